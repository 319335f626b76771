/** The ffmpeg line that sends a file to the server in real time, with low latency. */
export function ffmpegCommand(rtmpUrl: string, key: string): string {
  return [
    "ffmpeg -re -i video.mp4",
    "-c:v libx264 -preset veryfast -tune zerolatency",
    "-pix_fmt yuv420p -g 60 -b:v 4000k -maxrate 4000k -bufsize 4000k",
    "-c:a aac -b:a 128k -ar 48000",
    `-f flv ${rtmpUrl.replace(/\/$/, "")}/${key}`,
  ].join(" \\\n  ");
}

/** What to set in OBS, as pairs of the words OBS uses and the value. */
export function obsSettings(): readonly (readonly [string, string])[] {
  return [
    ["Service", "Custom…"],
    ["Rate control", "CBR, 3,000 to 6,000 kbit/s"],
    ["Keyframe interval", "2 s"],
    ["Tune", "zerolatency (x264)"],
    ["B-frames", "0"],
    ["Audio", "AAC, 128 kbit/s or more"],
  ];
}
