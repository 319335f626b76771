import { type ChildProcess, spawn } from "node:child_process";

/** One `moof` + `mdat` of the encoder. */
export interface MockFragment {
  readonly bytes: Buffer;
  readonly isVideo: boolean;
  readonly isKey: boolean;
  readonly startMs: number;
  /** `Date.now()` when the whole fragment was there. */
  readonly receivedMs: number;
}

/** What to encode. */
export interface MockMediaOptions {
  readonly width: number;
  readonly height: number;
  readonly gopS: number;
}

/** A live stream made by the installed ffmpeg: a test card with sound, one fragment a frame. */
export class MockMedia {
  readonly width: number;
  readonly height: number;
  readonly mime = 'video/mp4; codecs="avc1.42c01f,mp4a.40.2"';
  init: Buffer | undefined;
  /** Since the last key frame, audio included. */
  gop: MockFragment[] = [];
  readonly #listeners = new Set<(fragment: MockFragment) => void>();
  readonly #process: ChildProcess;
  readonly #timescales = new Map<number, number>();
  #videoId = 1;
  #bytes = Buffer.alloc(0);
  #head: Buffer[] = [];

  constructor(options: MockMediaOptions) {
    this.width = options.width;
    this.height = options.height;
    this.#process = spawn("ffmpeg", encoderArguments(options), { stdio: ["ignore", "pipe", "ignore"] });
    this.#process.stdout?.on("data", (chunk: Buffer) => this.#feed(chunk));
  }

  /** Resolves once a joining viewer would get a picture. */
  ready(): Promise<void> {
    if (this.gop.length > 0) return Promise.resolve();
    return new Promise((resolve) => {
      const stop = this.listen(() => {
        stop();
        resolve();
      });
    });
  }

  listen(listener: (fragment: MockFragment) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  close(): void {
    this.#process.kill("SIGKILL");
  }

  #feed(chunk: Buffer): void {
    this.#bytes = Buffer.concat([this.#bytes, chunk]);
    while (this.#bytes.length >= 8) {
      const size = this.#bytes.readUInt32BE(0);
      if (this.#bytes.length < size) return;
      const box = Buffer.from(this.#bytes.subarray(0, size));
      this.#bytes = this.#bytes.subarray(size);
      this.#onBox(box.toString("latin1", 4, 8), box);
    }
  }

  #onBox(type: string, box: Buffer): void {
    this.#head.push(box);
    if (type === "moov") {
      this.init = Buffer.concat(this.#head);
      this.#head = [];
      this.#readTracks(box);
    } else if (type === "mdat") {
      this.#onFragment(Buffer.concat(this.#head));
      this.#head = [];
    }
  }

  #readTracks(moov: Buffer): void {
    for (const trak of find(moov, 8, "trak")) {
      const tkhd = first(trak, "tkhd");
      const mdhd = first(trak, "mdia", "mdhd");
      const hdlr = first(trak, "mdia", "hdlr");
      const id = tkhd.readUInt32BE(tkhd[8] === 1 ? 28 : 20);
      this.#timescales.set(id, mdhd.readUInt32BE(mdhd[8] === 1 ? 28 : 20));
      if (hdlr.toString("latin1", 16, 20) === "vide") this.#videoId = id;
    }
  }

  #onFragment(bytes: Buffer): void {
    const moof = bytes.subarray(0, bytes.readUInt32BE(0));
    const traf = first(moof, "traf");
    const tfhd = first(traf, "tfhd");
    const tfdt = first(traf, "tfdt");
    const id = tfhd.readUInt32BE(12);
    const time = tfdt[8] === 1 ? Number(tfdt.readBigUInt64BE(12)) : tfdt.readUInt32BE(12);
    const isVideo = id === this.#videoId;
    const fragment: MockFragment = {
      bytes,
      isVideo,
      isKey: isVideo && isSync(tfhd, first(traf, "trun")),
      startMs: (time * 1000) / (this.#timescales.get(id) ?? 1000),
      receivedMs: Date.now(),
    };
    if (fragment.isKey) this.gop = [];
    if (fragment.isKey || this.gop.length > 0) this.gop.push(fragment);
    if (this.gop.length > 0) for (const listener of [...this.#listeners]) listener(fragment);
  }
}

function encoderArguments({ width, height, gopS }: MockMediaOptions): string[] {
  return [
    ...["-hide_banner", "-loglevel", "error"],
    ...["-re", "-f", "lavfi", "-i", `testsrc2=size=${width}x${height}:rate=30`],
    ...["-re", "-f", "lavfi", "-i", "sine=frequency=330:sample_rate=48000"],
    ...["-c:v", "libx264", "-preset", "ultrafast", "-tune", "zerolatency", "-profile:v", "baseline"],
    ...["-pix_fmt", "yuv420p", "-g", String(gopS * 30), "-threads", "1", "-b:v", "1200k"],
    ...["-c:a", "aac", "-b:a", "96k"],
    ...["-f", "mp4", "-movflags", "frag_every_frame+empty_moov+default_base_moof+separate_moof"],
    ...["-flush_packets", "1", "pipe:1"],
  ];
}

/** Boxes of a type directly inside, header included. */
function find(parent: Buffer, start: number, type: string): Buffer[] {
  const found: Buffer[] = [];
  for (let offset = start; offset + 8 <= parent.length; offset += parent.readUInt32BE(offset)) {
    const size = parent.readUInt32BE(offset);
    if (size < 8) break;
    if (parent.toString("latin1", offset + 4, offset + 8) === type) found.push(parent.subarray(offset, offset + size));
  }
  return found;
}

function first(parent: Buffer, ...path: string[]): Buffer {
  let box = parent;
  for (const type of path) {
    const [inside] = find(box, 8, type);
    if (inside === undefined) throw new Error(`ffmpeg wrote no ${type} box`);
    box = inside;
  }
  return box;
}

function isSync(tfhd: Buffer, trun: Buffer): boolean {
  const trunFlags = trun.readUInt32BE(8) & 0xffffff;
  const tfhdFlags = tfhd.readUInt32BE(8) & 0xffffff;
  let flags = 0x10000;
  if ((trunFlags & 0x4) !== 0) flags = trun.readUInt32BE((trunFlags & 0x1) === 0 ? 16 : 20);
  else if ((tfhdFlags & 0x20) !== 0) flags = tfhd.readUInt32BE(tfhd.length - 4);
  return (flags & 0x10000) === 0;
}
