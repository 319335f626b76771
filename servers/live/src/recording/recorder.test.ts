import { readdir, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { FakeClock } from "@kagami/clock";
import { createLogger, Metrics } from "@kagami/kit";
import { eventually, withTempDir } from "@kagami/testkit";
import { expect, test } from "vitest";
import type { MediaUnit } from "../engine/media-unit.ts";
import { Recorder, RecordingCounters } from "./recorder.ts";
import { mendTornRecordings } from "./torn-recordings.ts";

const MIB = 1 << 20;

function unit(isKey: boolean, byteCount = MIB): MediaUnit {
  const sample = { kind: "video", dtsUs: 0, ptsUs: 0, durationUs: 1, isKey, data: new Uint8Array(1) } as const;
  return { sample, fragment: new Uint8Array(byteCount) };
}

test("a disk that takes less than comes in costs pictures up to the next key frame, not memory", async () => {
  await withTempDir(async (directory) => {
    const clock = new FakeClock();
    const metrics = new Metrics();
    const counters = new RecordingCounters(metrics);
    const events: string[] = [];
    const write = (line: string) => void events.push((JSON.parse(line) as { event: string }).event);
    const recorder = new Recorder({
      directory,
      startedAtMs: clock.wallMs(),
      timing: {
        monotonicMs: () => clock.monotonicMs(),
        wallMs: () => clock.wallMs(),
        setTimer: (run, delayMs) => clock.after(delayMs, run),
      },
      counters,
      log: createLogger({ format: "json", sink: { write, flush: async () => undefined } }),
    });
    const video = {
      kind: "video",
      codec: "h264",
      codecString: "",
      width: 1,
      height: 1,
      record: new Uint8Array(),
    } as const;
    recorder.onInit({ generation: 1, config: { video }, segment: new Uint8Array(100), mime: "" });
    // All at once: the disk has no moment to take any of it.
    for (let i = 0; i < 50; i++) recorder.onUnit(unit(i % 10 === 0));
    expect(counters.queuedBytes).toBe(32 * MIB);
    clock.advance(250);
    await eventually(() => counters.queuedBytes === 0);
    recorder.onUnit(unit(false));
    recorder.onUnit(unit(true));
    recorder.onUnit(unit(false));
    await recorder.end();
    const [name = ""] = await readdir(directory);
    expect((await stat(join(directory, name))).size).toBe(100 + (32 + 2) * MIB);
    expect(events).toEqual(["recording.disk_too_slow", "recording.started", "recording.finished"]);
    expect(metrics.render()).toMatch(/^kagami_live_recording_skipped_units_total 19$/m);
  });
});

test.each([
  { why: "nothing", boxes: [], whole: 0 },
  {
    why: "an initialization",
    boxes: [
      ["ftyp", 16],
      ["moov", 40],
    ],
    whole: 56,
  },
  {
    why: "a fragment without its data",
    boxes: [
      ["ftyp", 16],
      ["moof", 30],
    ],
    whole: 16,
  },
  {
    why: "data cut short",
    boxes: [
      ["ftyp", 16],
      ["moof", 30],
      ["mdat", 50, 20],
    ],
    whole: 16,
  },
  {
    why: "whole fragments",
    boxes: [
      ["ftyp", 16],
      ["moof", 30],
      ["mdat", 50],
      ["moof", 30],
      ["mdat", 9],
    ],
    whole: 135,
  },
  {
    why: "a header cut short",
    boxes: [
      ["ftyp", 16],
      ["moof", 30],
      ["mdat", 50],
      ["moof", 30, 5],
    ],
    whole: 96,
  },
  {
    why: "a size of nothing",
    boxes: [
      ["ftyp", 16],
      ["mdat", 0, 8],
    ],
    whole: 16,
  },
] as const)("of a file that ends with $why the whole part is kept", async ({ boxes, whole }) => {
  const bytes = boxes.flatMap(([type, size, present]) => {
    const box = new Uint8Array(Math.max(size, 8));
    new DataView(box.buffer).setUint32(0, size);
    box.set(new TextEncoder().encode(type), 4);
    return [...box.subarray(0, present ?? size)];
  });
  await withTempDir(async (directory) => {
    await writeFile(join(directory, "torn.recording.mp4"), Uint8Array.from(bytes));
    const log = createLogger({ format: "json", sink: { write: () => undefined, flush: async () => undefined } });
    expect(await mendTornRecordings(directory, log)).toBe(1);
    expect(await readdir(directory)).toEqual(["torn.mp4"]);
    expect((await stat(join(directory, "torn.mp4"))).size).toBe(whole);
  });
});
