import { spawn } from "node:child_process";
import { once } from "node:events";
import { counterCellLeft, counterCells, counterTop } from "@kagami/demo/frame-counter";

/** A clip to be published with `ffmpeg -re -c copy`. */
export interface ClipOptions {
  readonly path: string;
  readonly width: number;
  readonly height: number;
  readonly fps: number;
  readonly seconds: number;
  readonly videoKbps: number;
  readonly gopSeconds: number;
}

/**
 * Encodes a clip of moving content with ffmpeg (x264, AAC), in which every picture carries its number in a strip at the
 * lower edge, so that a browser can tell which picture it shows.
 */
export async function makeCounterClip(options: ClipOptions): Promise<void> {
  const { path, width, height, fps, seconds, videoKbps, gopSeconds } = options;
  const gop = String(Math.round(gopSeconds * fps));
  const video = [
    "-f",
    "rawvideo",
    "-pix_fmt",
    "yuv420p",
    "-s",
    `${width}x${height}`,
    "-r",
    String(fps),
    "-i",
    "pipe:0",
  ];
  const sound = ["-f", "lavfi", "-i", "sine=f=330:r=48000"];
  const x264 = [
    "-c:v",
    "libx264",
    "-preset",
    "veryfast",
    "-tune",
    "zerolatency",
    "-bf",
    "0",
    "-g",
    gop,
    "-keyint_min",
    gop,
  ];
  const rate = [
    "-b:v",
    `${videoKbps}k`,
    "-maxrate",
    `${videoKbps}k`,
    "-bufsize",
    `${videoKbps}k`,
    "-sc_threshold",
    "0",
  ];
  const aac = ["-c:a", "aac", "-b:a", "128k", "-ac", "2", "-shortest"];
  const args = ["-hide_banner", "-loglevel", "error", "-y", ...video, ...sound, ...x264, ...rate, ...aac, path];
  const ffmpeg = spawn("ffmpeg", args, { stdio: ["pipe", "inherit", "inherit"] });
  const ended = once(ffmpeg, "close");
  const picture = Buffer.alloc((width * height * 3) / 2, 128);
  const waves = Buffer.from(
    Uint8Array.from(
      { length: width + WAVE_PERIOD },
      (_, i) => 128 + 70 * Math.sin((i / WAVE_PERIOD) * 4 * Math.PI) + (i % 7),
    ),
  );
  for (let index = 0; index < seconds * fps; index++) {
    drawPicture(picture, waves, width, height, index);
    if (!ffmpeg.stdin.write(Buffer.from(picture))) await once(ffmpeg.stdin, "drain");
  }
  ffmpeg.stdin.end();
  const [code] = await ended;
  if (code !== 0) throw new Error(`Cannot make ${path}: ffmpeg ended with ${code}`);
}

const WAVE_PERIOD = 512;

/** Diagonal waves that move, and the strip. */
function drawPicture(picture: Buffer, waves: Buffer, width: number, height: number, index: number): void {
  for (let y = 0; y < height; y++) {
    const shift = (3 * y + 9 * index + ((y * y) >> 7)) % WAVE_PERIOD;
    waves.copy(picture, y * width, shift, shift + width);
  }
  picture.fill(100 + (index % 50), width * height, (width * height * 5) / 4);
  const cells = counterCells(index);
  for (let y = counterTop(height); y < height; y++) {
    for (const [cell, isWhite] of cells.entries()) {
      picture.fill(
        isWhite ? 235 : 16,
        y * width + counterCellLeft(cell, width),
        y * width + counterCellLeft(cell + 1, width),
      );
    }
  }
}
