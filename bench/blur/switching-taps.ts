import { type ChildProcess, spawn } from "node:child_process";
import { createWriteStream } from "node:fs";
import { writeFile } from "node:fs/promises";
import { pipeline } from "node:stream/promises";
import { type Mp4Init, type Mp4Sample, parseFragment, parseInit, readBoxes } from "@kagami/media";
import { findCommand } from "@kagami/testkit";
import { pause } from "../src/process-sample.ts";

/** One sample as a viewer over WebSocket got it. Times are microseconds. */
export interface TappedSample {
  readonly kind: "video" | "audio";
  readonly dtsUs: number;
  readonly ptsUs: number;
  readonly durationUs: number;
  readonly isKey: boolean;
  readonly data: Uint8Array;
}

/** A viewer over WebSocket that keeps what it gets and acknowledges as players do. */
export interface WsTap {
  readonly samples: readonly TappedSample[];
  /** Initialization segments announced. */
  readonly initCount: number;
  /** Times that the server left video out for this viewer. */
  readonly gapCount: number;
  readonly isClosed: boolean;
  /** Writes what came as an MP4 file. */
  save(path: string): Promise<void>;
  close(): void;
}

const ACK_MEDIA_US = 500_000;

export async function openWsTap(url: string): Promise<WsTap> {
  const socket = new WebSocket(url);
  socket.binaryType = "arraybuffer";
  const pieces: Uint8Array[] = [];
  const samples: TappedSample[] = [];
  const state = { initCount: 0, gapCount: 0, isClosed: false };
  let init: Mp4Init | undefined;
  let isInitNext = false;
  let ackedUs = 0;
  const onMedia = (bytes: Uint8Array): void => {
    pieces.push(bytes);
    if (isInitNext) {
      init = wellFormed(parseInit(bytes));
      isInitNext = false;
      return;
    }
    if (init === undefined) throw new Error("Media came before an initialization segment");
    for (const fragment of fragmentsOf(bytes)) {
      for (const sample of wellFormed(parseFragment(fragment, init)).samples) samples.push(toTapped(sample, init));
    }
    const last = samples.at(-1);
    if (last === undefined || last.ptsUs < ackedUs + ACK_MEDIA_US) return;
    ackedUs = last.ptsUs;
    const mediaMs = Math.round(last.ptsUs / 1_000);
    socket.send(JSON.stringify({ type: "ack", mediaMs, bufferMs: 200, latencyMs: 300 }));
  };
  socket.addEventListener("message", ({ data }) => {
    if (data instanceof ArrayBuffer) return onMedia(new Uint8Array(data));
    const { type } = JSON.parse(String(data)) as { type: string };
    if (type === "init") {
      isInitNext = true;
      state.initCount++;
    }
    if (type === "gap") state.gapCount++;
  });
  socket.addEventListener("close", () => {
    state.isClosed = true;
  });
  await new Promise((resolve, reject) => {
    socket.addEventListener("open", resolve, { once: true });
    socket.addEventListener("error", () => reject(new Error(`Cannot connect to ${url}`)), { once: true });
  });
  return {
    samples,
    get initCount() {
      return state.initCount;
    },
    get gapCount() {
      return state.gapCount;
    },
    get isClosed() {
      return state.isClosed;
    },
    save: (path) => writeFile(path, pieces),
    close: () => socket.close(),
  };
}

/** A message holds one fragment or more. */
function fragmentsOf(message: Uint8Array): Uint8Array[] {
  const boxes = readBoxes(message);
  if ("kind" in boxes) throw new Error(`The server sent what cannot be read: ${boxes.message}`);
  return boxes.flatMap(({ type, start }, i) => {
    const mdat = boxes[i + 1];
    return type === "moof" && mdat !== undefined ? [message.subarray(start, mdat.end)] : [];
  });
}

function wellFormed<T extends { readonly kind: string }>(parsed: T): Exclude<T, { readonly kind: "malformed" }> {
  if (parsed.kind === "malformed") throw new Error(`The server sent what cannot be read: ${JSON.stringify(parsed)}`);
  return parsed as Exclude<T, { readonly kind: "malformed" }>;
}

function toTapped(sample: Mp4Sample, init: Mp4Init): TappedSample {
  const track = init.tracks.find(({ trackId }) => trackId === sample.trackId);
  if (track === undefined) throw new Error(`A fragment has track ${sample.trackId}, its initialization has not`);
  const us = (ticks: number): number => (ticks * 1e6) / track.timescale;
  const { isKey, data } = sample;
  return {
    kind: track.config.kind,
    dtsUs: us(sample.dtsTicks),
    ptsUs: us(sample.ptsTicks),
    durationUs: us(sample.durationTicks),
    isKey,
    data,
  };
}

/** Something that writes what the server sends to a file. */
export interface FileTap {
  readonly path: string;
  /** Waits until the server has ended the broadcast, for 10 s at the most. */
  ended(): Promise<void>;
}

const END_LIMIT_MS = 10_000;

/** Takes HTTP-FLV as it comes. */
export async function openFlvTap(url: string, path: string): Promise<FileTap> {
  const abort = new AbortController();
  const response = await fetch(url, { signal: abort.signal });
  if (!response.ok || response.body === null) throw new Error(`${url} answered ${response.status}`);
  const written = pipeline(response.body, createWriteStream(path)).catch((error: unknown) => {
    if (!abort.signal.aborted) throw error;
  });
  return {
    path,
    ended: async () => {
      const timer = setTimeout(() => abort.abort(), END_LIMIT_MS);
      await written;
      clearTimeout(timer);
    },
  };
}

/** Plays over RTMP with ffmpeg, which copies what it gets. */
export function openRtmpTap(url: string, path: string): FileTap {
  const args = ["-v", "error", "-y", "-rtmp_live", "live", "-i", url, "-c", "copy", "-f", "flv", path];
  const child = spawn(findCommand("ffmpeg"), args, { stdio: ["ignore", "ignore", "inherit"] });
  return { path, ended: () => endOf(child) };
}

/** Publishes a file in real time. */
export function publish(file: string, url: string): { stop(): Promise<void> } {
  const args = ["-v", "error", "-re", "-i", file, "-c", "copy", "-f", "flv", url];
  const child = spawn(findCommand("ffmpeg"), args, { stdio: ["ignore", "ignore", "ignore"] });
  return {
    stop: () => {
      child.kill("SIGTERM");
      return endOf(child);
    },
  };
}

async function endOf(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const ended = new Promise((resolve) => child.once("exit", resolve));
  const timer = setTimeout(() => child.kill("SIGKILL"), END_LIMIT_MS);
  await ended;
  clearTimeout(timer);
}

/** What the playlists said, looked at once a second. */
export interface PlaylistWatch {
  readonly maps: ReadonlySet<string>;
  readonly discontinuityCount: number;
  readonly readCount: number;
  stop(): Promise<void>;
}

export function watchPlaylist(url: string): PlaylistWatch {
  const maps = new Set<string>();
  const state = { discontinuityCount: 0, readCount: 0, isStopped: false };
  const watch = async (): Promise<void> => {
    while (!state.isStopped) {
      const response = await fetch(url);
      const text = await response.text();
      if (response.ok) {
        state.readCount++;
        for (const [, uri] of text.matchAll(/#EXT-X-MAP:URI="([^"]+)"/g)) maps.add(uri as string);
        state.discontinuityCount += [...text.matchAll(/^#EXT-X-DISCONTINUITY$/gm)].length;
      }
      await pause(1_000);
    }
  };
  const watched = watch();
  return {
    maps,
    get discontinuityCount() {
      return state.discontinuityCount;
    },
    get readCount() {
      return state.readCount;
    },
    stop: async () => {
      state.isStopped = true;
      await watched;
    },
  };
}
