import type { ServerResponse } from "node:http";
import type { MockFragment, MockMedia } from "./media.ts";

const PART_FRAMES = 6;
const PART_S = 0.2;
const KEPT_SEGMENTS = 6;

interface Segment {
  readonly msn: number;
  readonly startedMs: number;
  readonly parts: { readonly bytes: Buffer; readonly isKey: boolean; readonly frames: number }[];
  isDone: boolean;
}

/** LL-HLS of the mock's stream: parts of 200 ms, blocking reload, preload hints. */
export class MockHls {
  readonly #media: MockMedia;
  readonly #segments: Segment[] = [];
  readonly #waiting = new Set<() => void>();
  #fragments: MockFragment[] = [];

  constructor(media: MockMedia) {
    this.#media = media;
    for (const fragment of media.gop) this.#add(fragment);
    media.listen((fragment) => this.#add(fragment));
  }

  /** @returns whether the path was ours. */
  answer(file: string, query: URLSearchParams, response: ServerResponse): boolean {
    if (file === "index.m3u8") {
      const msn = query.get("_HLS_msn");
      const part = Number(query.get("_HLS_part") ?? "0");
      this.#when(
        () => msn === null || this.#has(Number(msn), part),
        () => send(response, "application/vnd.apple.mpegurl", this.#playlist(query.get("token"))),
      );
      return true;
    }
    if (file === "init-1.mp4") {
      send(response, "video/mp4", this.#media.init ?? "");
      return true;
    }
    const match = /^(seg|part)-(\d+)(?:\.(\d+))?\.m4s$/.exec(file);
    if (match === null) return false;
    const msn = Number(match[2]);
    const part = Number(match[3] ?? "0");
    this.#when(
      () => this.#has(msn, part),
      () => {
        const segment = this.#segments.find((candidate) => candidate.msn === msn);
        const parts = match[1] === "part" ? segment?.parts.slice(part, part + 1) : segment?.parts;
        send(response, "video/iso.segment", Buffer.concat((parts ?? []).map((piece) => piece.bytes)));
      },
    );
    return true;
  }

  #has(msn: number, part: number): boolean {
    const last = this.#segments.at(-1);
    if (last === undefined || msn > last.msn) return false;
    return msn < last.msn || last.parts.length > part;
  }

  #when(isReady: () => boolean, act: () => void): void {
    const attempt = () => {
      if (!isReady()) return;
      this.#waiting.delete(attempt);
      act();
    };
    this.#waiting.add(attempt);
    attempt();
  }

  #add(fragment: MockFragment): void {
    const last = this.#segments.at(-1);
    if (fragment.isKey || last === undefined) {
      this.#closePart();
      if (last !== undefined) last.isDone = true;
      this.#segments.push({ msn: (last?.msn ?? -1) + 1, startedMs: fragment.receivedMs, parts: [], isDone: false });
      if (this.#segments.length > KEPT_SEGMENTS) this.#segments.shift();
    } else if (fragment.isVideo && this.#videoCount() === PART_FRAMES) {
      this.#closePart();
    }
    this.#fragments.push(fragment);
  }

  #videoCount(): number {
    return this.#fragments.filter((fragment) => fragment.isVideo).length;
  }

  #closePart(): void {
    const frames = this.#videoCount();
    if (frames === 0) return;
    const isKey = this.#fragments.some((fragment) => fragment.isKey);
    const bytes = Buffer.concat(this.#fragments.map((fragment) => fragment.bytes));
    this.#segments.at(-1)?.parts.push({ bytes, isKey, frames });
    this.#fragments = [];
    for (const attempt of [...this.#waiting]) attempt();
  }

  #playlist(token: string | null): string {
    const suffix = token === null ? "" : `?token=${token}`;
    const lines = [
      "#EXTM3U",
      "#EXT-X-VERSION:9",
      "#EXT-X-TARGETDURATION:2",
      `#EXT-X-SERVER-CONTROL:CAN-BLOCK-RELOAD=YES,PART-HOLD-BACK=${PART_S * 3}`,
      `#EXT-X-PART-INF:PART-TARGET=${PART_S}`,
      `#EXT-X-MEDIA-SEQUENCE:${this.#segments[0]?.msn ?? 0}`,
      `#EXT-X-MAP:URI="init-1.mp4${suffix}"`,
    ];
    for (const { msn, parts, isDone, startedMs } of this.#segments) {
      lines.push(`#EXT-X-PROGRAM-DATE-TIME:${new Date(startedMs).toISOString()}`);
      for (const [index, part] of parts.entries()) {
        const key = part.isKey ? ",INDEPENDENT=YES" : "";
        const duration = (part.frames / 30).toFixed(3);
        lines.push(`#EXT-X-PART:DURATION=${duration},URI="part-${msn}.${index}.m4s${suffix}"${key}`);
      }
      const frames = parts.reduce((sum, part) => sum + part.frames, 0);
      if (isDone) lines.push(`#EXTINF:${(frames / 30).toFixed(3)},`, `seg-${msn}.m4s${suffix}`);
      else lines.push(`#EXT-X-PRELOAD-HINT:TYPE=PART,URI="part-${msn}.${parts.length}.m4s${suffix}"`);
    }
    return `${lines.join("\n")}\n`;
  }
}

function send(response: ServerResponse, type: string, body: Buffer | string): void {
  response.writeHead(200, { "content-type": type, "cache-control": "no-store", "access-control-allow-origin": "*" });
  response.end(body);
}
