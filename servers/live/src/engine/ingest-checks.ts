import { concatBytes } from "@kagami/bytes";
import type { AudioConfig, Sample, VideoConfig } from "@kagami/media";
import type { Ingest, IngestEvent, IngestNoticeCode } from "./ingest.ts";
import { Packager } from "./packager.ts";

/** For tests: gives messages to an ingest, and returns all that came of them. */
export function send(
  ingest: Ingest,
  messages: readonly { messageType: 8 | 9; timestampMs: number; body: Uint8Array }[],
): IngestEvent[] {
  return messages.flatMap(({ messageType, timestampMs, body }) =>
    messageType === 9 ? ingest.onVideo(body, timestampMs) : ingest.onAudio(body, timestampMs),
  );
}

export function samplesOf(events: readonly IngestEvent[], kind?: Sample["kind"]): Sample[] {
  const samples = events.flatMap((event) => (event.kind === "sample" ? [event.sample] : []));
  return samples.filter((sample) => kind === undefined || sample.kind === kind);
}

export function tracksOf(
  events: readonly IngestEvent[],
): { video: VideoConfig | undefined; audio: AudioConfig | undefined }[] {
  return events.flatMap((event) => (event.kind === "tracks" ? [{ video: event.video, audio: event.audio }] : []));
}

export function noticesOf(events: readonly IngestEvent[]): IngestNoticeCode[] {
  return events.flatMap((event) => (event.kind === "notice" ? [event.code] : []));
}

/** The fragmented MP4 file that a viewer who was there from the beginning holds. */
export function fileOf(events: readonly IngestEvent[]): Uint8Array {
  const packager = new Packager();
  const packaged = events.flatMap((event) => packager.package(event));
  return concatBytes(packaged.map((item) => (item.kind === "init" ? item.init.segment : item.unit.fragment)));
}

/** What breaks the promises that `Ingest` makes of its samples; empty if all are kept. */
export function brokenPromises(events: readonly IngestEvent[]): string[] {
  const broken: string[] = [];
  const lastDtsUs = { video: Number.NEGATIVE_INFINITY, audio: Number.NEGATIVE_INFINITY };
  const known = { video: false, audio: false };
  let audioEndUs = Number.NEGATIVE_INFINITY;
  let isKeyDue = true;
  for (const event of events) {
    if (event.kind === "tracks") {
      known.video = event.video !== undefined;
      known.audio = event.audio !== undefined;
      isKeyDue = true;
    }
    if (event.kind !== "sample") continue;
    const { kind, dtsUs, ptsUs, durationUs, isKey } = event.sample;
    const at = `${kind} at ${dtsUs}`;
    if (!known[kind]) broken.push(`${at} is of a track nobody knows`);
    if (dtsUs < lastDtsUs[kind]) broken.push(`${at} goes back from ${lastDtsUs[kind]}`);
    if (ptsUs < 0 || durationUs <= 0) broken.push(`${at} has presentation ${ptsUs}, duration ${durationUs}`);
    lastDtsUs[kind] = dtsUs;
    if (kind === "video") {
      if (isKeyDue && !isKey) broken.push(`${at} should be a key frame`);
      isKeyDue = false;
    } else {
      if (dtsUs < audioEndUs - 2) broken.push(`${at} overlaps up to ${audioEndUs}`);
      audioEndUs = dtsUs + durationUs;
    }
  }
  return broken;
}
