import { buildFlvFileHeader, buildFlvTag } from "@kagami/media";
import { runTool } from "@kagami/testkit";
import { expect, test } from "vitest";
import { writeMarker } from "./marker.ts";
import { encodeMedia, loadMedia, SMOKE_MEDIA } from "./media.ts";

test("media with markers is valid H.264 and AAC: ffmpeg decodes all of it and complains of nothing", async () => {
  const media = await loadMedia(await encodeMedia(SMOKE_MEDIA), SMOKE_MEDIA.fps);
  const tags = [
    buildFlvFileHeader(true, true),
    buildFlvTag(9, 0, media.videoHeader),
    buildFlvTag(8, 0, media.audioHeader),
  ];
  for (const [i, { body, markerOffset, isKey }] of media.video.entries()) {
    const marker = { kind: isKey ? "K" : "V", sequence: i, sentUs: 1_000_000 + i, followingBytes: 0 } as const;
    writeMarker(body, markerOffset, marker);
    tags.push(buildFlvTag(9, Math.round((i * 1000) / media.fps), body));
  }
  for (const [i, { body, markerOffset }] of media.audio.entries()) {
    writeMarker(body, markerOffset, { kind: "A", sequence: i, sentUs: 1_000_000 + i, followingBytes: 0 });
    tags.push(buildFlvTag(8, Math.round((i * 1024) / 48), body));
  }
  const args = ["-v", "warning", "-err_detect", "explode", "-f", "flv", "-i", "-", "-map", "0:v", "-map", "0:a"];
  const { exitCode, stdout, stderr } = await runTool("ffmpeg", [...args, "-f", "framecrc", "-"], {
    input: Buffer.concat(tags),
  });
  const complaints = stderr.split("\n").filter((line) => line !== "" && !line.includes("not monotonically"));
  expect(complaints).toEqual([]);
  expect(exitCode).toBe(0);
  const pictures = stdout.split("\n").filter((line) => line.startsWith("0,"));
  expect(pictures).toHaveLength(media.video.length);
});

test("key frames come where the media says", async () => {
  const media = await loadMedia(await encodeMedia(SMOKE_MEDIA), SMOKE_MEDIA.fps);
  const keys = media.video.flatMap(({ isKey }, i) => (isKey ? [i] : []));
  expect(keys).toEqual([0, 30, 60, 90]);
});
