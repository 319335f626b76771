import type { MockFragment, MockMedia } from "./media.ts";
import type { MockSocket } from "./web-socket.ts";

const CLOCK_EVERY_MS = 2_000;

/** One WebSocket viewer of the mock: join burst, frames, clock, gaps. */
export class MockViewer {
  readonly acks: { mediaMs: number; bufferMs: number; latencyMs: number }[] = [];
  readonly socket: MockSocket;
  readonly #media: MockMedia;
  #stop: (() => void) | undefined;
  #clockMs = 0;
  #gapFromMs: number | undefined;
  #isHoldingVideo = false;

  constructor(socket: MockSocket, media: MockMedia) {
    this.socket = socket;
    this.#media = media;
    socket.onText = (text) => {
      const message = JSON.parse(text);
      if (message.type === "ping") socket.sendJson({ type: "pong", id: message.id, serverMs: Date.now() });
      if (message.type === "ack") this.acks.push(message);
    };
  }

  /** Sends the initialization segment and the frames since the last key frame, then every new one. */
  join(): void {
    const { mime, init, gop, width, height } = this.#media;
    const newest = gop.findLast((fragment) => fragment.isVideo);
    if (init === undefined || newest === undefined) return;
    this.socket.sendJson({ type: "init", generation: 1, mime, hasVideo: true, hasAudio: true, width, height });
    this.socket.sendBinary(init);
    this.#sendClock(newest);
    for (const fragment of gop) this.socket.sendBinary(fragment.bytes);
    this.#stop = this.#media.listen((fragment) => this.#onFragment(fragment));
  }

  leave(): void {
    this.#stop?.();
    this.#stop = undefined;
  }

  /** Leaves video out until `releaseVideo`, as the server does for a viewer that is too slow. */
  holdVideo(): void {
    this.#isHoldingVideo = true;
  }

  releaseVideo(): void {
    this.#isHoldingVideo = false;
  }

  #onFragment(fragment: MockFragment): void {
    if (fragment.isVideo && this.#skips(fragment)) return;
    if (fragment.isVideo && fragment.receivedMs - this.#clockMs > CLOCK_EVERY_MS) this.#sendClock(fragment);
    this.socket.sendBinary(fragment.bytes);
  }

  #skips(fragment: MockFragment): boolean {
    if (this.#isHoldingVideo) {
      this.#gapFromMs ??= fragment.startMs;
      return true;
    }
    if (this.#gapFromMs === undefined) return false;
    if (!fragment.isKey) return true;
    this.socket.sendJson({ type: "gap", fromMs: this.#gapFromMs, toMs: fragment.startMs });
    this.#gapFromMs = undefined;
    return false;
  }

  #sendClock(fragment: MockFragment): void {
    this.#clockMs = fragment.receivedMs;
    this.socket.sendJson({ type: "clock", mediaMs: fragment.startMs, serverMs: fragment.receivedMs });
  }
}
