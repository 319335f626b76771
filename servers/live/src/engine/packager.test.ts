import { isMalformed, type Mp4Init, parseFragment, parseInit } from "@kagami/media";
import { beforeAll, describe, expect, test } from "vitest";
import { type Clip, encodeClip } from "../../test/support/index.ts";
import { Ingest, type IngestEvent } from "./ingest.ts";
import { samplesOf, send } from "./ingest-checks.ts";
import { type Packaged, Packager } from "./packager.ts";

let clip: Clip;
let larger: Clip;
beforeAll(async () => {
  clip = await encodeClip({ seconds: 2, gop: 10 });
  larger = await encodeClip({ seconds: 2, gop: 10, size: "320x180" });
});

function packageAll(events: readonly IngestEvent[]): Packaged[] {
  const packager = new Packager();
  return events.flatMap((event) => packager.package(event));
}

function readInit(bytes: Uint8Array): Mp4Init {
  const init = parseInit(bytes);
  if (isMalformed(init)) throw new Error(init.message);
  return init;
}

describe("Packager", () => {
  test("gives each sample one fragment that an independent reader takes for the same sample", () => {
    const events = send(new Ingest(), [...clip.headers, ...clip.media]);
    const samples = samplesOf(events);
    const packaged = packageAll(events);
    const [first, ...rest] = packaged;
    if (first?.kind !== "init") throw new Error("The first thing is an initialization segment");
    const init = readInit(first.init.segment);
    expect(rest).toHaveLength(samples.length);
    for (const [i, item] of rest.entries()) {
      if (item.kind !== "unit") throw new Error("One initialization segment is enough");
      const fragment = parseFragment(item.unit.fragment, init);
      if (isMalformed(fragment)) throw new Error(fragment.message);
      expect(fragment.sequenceNumber).toBe(i + 1);
      const [sample, ...others] = fragment.samples;
      expect(others).toEqual([]);
      const scale = init.tracks.find(({ trackId }) => trackId === sample?.trackId)?.timescale ?? 1;
      const usOf = (ticks = 0) => (ticks * 1_000_000) / scale;
      expect(sample?.data).toEqual(samples[i]?.data);
      expect(sample?.isKey).toBe(samples[i]?.isKey);
      const tickUs = 1_000_000 / scale;
      expect(Math.abs(usOf(sample?.dtsTicks) - (samples[i]?.dtsUs ?? 0))).toBeLessThanOrEqual(tickUs);
      expect(Math.abs(usOf(sample?.ptsTicks) - (samples[i]?.ptsUs ?? 0))).toBeLessThanOrEqual(tickUs);
    }
  });

  test("writes one initialization segment for picture and sound that were announced one after the other", () => {
    const inits = packageAll(send(new Ingest(), [...clip.headers, ...clip.media])).filter(
      ({ kind }) => kind === "init",
    );
    expect(inits).toMatchObject([{ init: { generation: 1, mime: expect.stringMatching(/avc1.*mp4a/) } }]);
  });

  test("writes none before there is media", () => {
    expect(packageAll(send(new Ingest(), clip.headers))).toEqual([]);
  });

  test("writes another, of a higher generation, when the size changes", () => {
    const ingest = new Ingest();
    const events = [clip, larger].flatMap((each) => send(ingest, [...each.headers, ...each.media]));
    const inits = packageAll(events).flatMap((item) => (item.kind === "init" ? [item.init] : []));
    expect(inits.map(({ generation, config }) => [generation, config.video?.width])).toEqual([
      [1, 160],
      [2, 320],
    ]);
    const widths = inits.map(({ segment }) => readInit(segment).tracks.map(({ config }) => config.kind));
    expect(widths).toEqual([
      ["video", "audio"],
      ["video", "audio"],
    ]);
  });
});
