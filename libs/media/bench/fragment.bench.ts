// What one frame costs on its way from an RTMP message to a fragment: `node libs/media/bench/fragment.bench.ts [--smoke]`.
import { readFileSync } from "node:fs";
import { Bench } from "tinybench";
import {
  buildFlvFrame,
  FlvDemuxer,
  type FlvTag,
  isMalformed,
  openVideoTrack,
  parseFlvAudio,
  parseFlvVideo,
  type Sample,
  VIDEO_TIMESCALE,
  VIDEO_TRACK_ID,
  type VideoTrack,
  writeFragment,
} from "../src/index.ts";

const isSmoke = process.argv.includes("--smoke");
const capture = new Uint8Array(readFileSync(new URL("../testdata/avc-bframes.flv", import.meta.url)));
const tags = new FlvDemuxer().push(capture).filter((item): item is FlvTag => item.kind === "tag" && item.type === 9);
const track = openTrack();

/** 2 Mbit/s at 30 frames a second is about 8 300 bytes a frame; a key frame and one with a delimiter to drop besides. */
const inter = message(8_300, [], false);
const key = message(60_000, [], true);
const delimited = message(8_300, [0, 0, 0, 2, 0x09, 0xf0], false);

function openTrack(): VideoTrack {
  for (const tag of tags) {
    const event = parseFlvVideo(tag.body);
    if (event.kind !== "config") continue;
    const opened = openVideoTrack(event.codec, event.record);
    if (!isMalformed(opened)) return opened;
  }
  throw new Error("The capture has no sequence header");
}

function message(sizeBytes: number, prefix: readonly number[], isKey: boolean): Uint8Array {
  const data = new Uint8Array(prefix.length + sizeBytes);
  data.set(prefix);
  const nalBytes = sizeBytes - 4;
  data.set([nalBytes >>> 24, nalBytes >>> 16, nalBytes >>> 8, nalBytes, isKey ? 0x65 : 0x41], prefix.length);
  for (let i = prefix.length + 5; i < data.length; i++) data[i] = (i * 31) & 0xff;
  return buildFlvFrame("h264", { kind: "video", dtsUs: 0, ptsUs: 0, durationUs: 0, isKey, data });
}

/** A sum over the output, so that no work can be left out and a wrong result shows. */
let check = 0;
let sequenceNumber = 0;

function videoFrame(body: Uint8Array): void {
  const event = parseFlvVideo(body);
  if (event.kind !== "frame") throw new Error(event.kind);
  const normalized = track.normalize(event.data);
  if (normalized.kind === "malformed") throw new Error(normalized.message);
  const dtsUs = sequenceNumber * 33_333;
  const ptsUs = dtsUs + event.compositionTimeMs * 1000;
  const { data, isKey } = normalized;
  const sample: Sample = { kind: "video", dtsUs, ptsUs, durationUs: 33_333, isKey, data };
  sequenceNumber++;
  const bytes = writeFragment([sample], sequenceNumber, VIDEO_TRACK_ID, VIDEO_TIMESCALE);
  check = (check + bytes.length + (bytes[bytes.length - 1] as number)) >>> 0;
}

function audioFrame(body: Uint8Array): void {
  const event = parseFlvAudio(body);
  if (event.kind !== "frame") throw new Error(event.kind);
  const dtsUs = sequenceNumber * 21_333;
  const sample: Sample = { kind: "audio", dtsUs, ptsUs: dtsUs, durationUs: 21_333, isKey: true, data: event.data };
  sequenceNumber++;
  const bytes = writeFragment([sample], sequenceNumber, 2, 48_000);
  check = (check + bytes.length) >>> 0;
}

const aac = new Uint8Array(350).fill(0x21);
aac.set([0xaf, 1]);

// The check value is of a fixed number of frames, so that it is the same on every machine.
for (let i = 0; i < 1000; i++) {
  for (const body of [inter, key, delimited]) videoFrame(body);
  audioFrame(aac);
}
const fixedCheck = check;

const bench = new Bench(isSmoke ? { time: 20, warmupTime: 5 } : { time: 1000, warmupTime: 200 });
bench.add("inter frame, 8.3 KB", () => videoFrame(inter));
bench.add("inter frame with a delimiter in front", () => videoFrame(delimited));
bench.add("key frame, 60 KB", () => videoFrame(key));
bench.add("AAC frame, 348 bytes", () => audioFrame(aac));
await bench.run();
console.table(bench.table());
console.log(`check ${fixedCheck}`);
