import type { RtmpEvent } from "./server-events.ts";

/**
 * What a message stream is doing. `asked` waits for the shell's answer; `left` was asked, and the peer closed it
 * before the answer: its id stays taken until the answer comes, or a late "yes" to one name could open another.
 */
export type StreamState = "idle" | "publish-asked" | "publishing" | "play-asked" | "playing" | "left";

export interface MessageStream {
  readonly id: number;
  state: StreamState;
  /** Key or name, without query. */
  name: string;
  /** What a publisher sent before it was accepted, in order. */
  held: RtmpEvent[];
  heldBytes: number;
  /** Deleted by the peer; forgotten as soon as it is idle. */
  isDeleted: boolean;
}

/** The message streams of one connection, with ids from 1, lowest free first. @see RTMP 1.0 §7.2.1.3 */
export class MessageStreams {
  readonly #streams = new Map<number, MessageStream>();
  readonly #limit: number;

  constructor(limit: number) {
    this.#limit = limit;
  }

  /** A new stream; `undefined` at the limit. */
  create(): MessageStream | undefined {
    for (let id = 1; id <= this.#limit; id++) {
      if (this.#streams.has(id)) continue;
      const stream: MessageStream = { id, state: "idle", name: "", held: [], heldBytes: 0, isDeleted: false };
      this.#streams.set(id, stream);
      return stream;
    }
    return undefined;
  }

  get(id: number): MessageStream | undefined {
    return this.#streams.get(id);
  }

  /** The stream that publishes, or asked to publish, under `name`. */
  publisherOf(name: string): MessageStream | undefined {
    for (const stream of this.#streams.values()) {
      if (stream.name === name && (stream.state === "publishing" || stream.state === "publish-asked")) return stream;
    }
    return undefined;
  }

  /** Whether any publish or play has been accepted and goes on. */
  get hasAccepted(): boolean {
    for (const stream of this.#streams.values()) {
      if (stream.state === "publishing" || stream.state === "playing") return true;
    }
    return false;
  }

  /** Bytes that wait for answers. */
  get heldBytes(): number {
    let sum = 0;
    for (const stream of this.#streams.values()) sum += stream.heldBytes;
    return sum;
  }

  /** Ends what the stream is doing, by the peer. Returns what that was. */
  close(stream: MessageStream): StreamState {
    const was = stream.state;
    const isAsked = was === "publish-asked" || was === "play-asked" || was === "left";
    this.settle(stream, isAsked ? "left" : "idle");
    return was;
  }

  /** Sets the state after an answer, and forgets what was held. */
  settle(stream: MessageStream, state: StreamState): void {
    stream.state = state;
    stream.held = [];
    stream.heldBytes = 0;
    if (state === "idle" && stream.isDeleted) this.#streams.delete(stream.id);
  }

  /** Closes the stream and gives its id back. Returns what it was doing. */
  delete(stream: MessageStream): StreamState {
    stream.isDeleted = true;
    return this.close(stream);
  }
}
