import { type MergeLimits, mergeMsFor } from "../engine/merge-window.ts";
import type { Channel } from "./channel.ts";

export interface ChannelRegistryOptions {
  readonly merge: MergeLimits;
  /** Publishers at once, over all channels. */
  readonly publisherLimit: number;
  /** Viewers that hold a connection at once, over all channels. */
  readonly viewerLimit: number;
  readonly openChannel: (name: string, onIdle: () => void) => Channel;
  /** A channel that nobody needed any more was let go. */
  readonly onForgotten: (name: string) => void;
}

/** The channels that somebody publishes to or watches. The others are only in the store. */
export class ChannelRegistry {
  readonly #options: ChannelRegistryOptions;
  readonly #channels = new Map<string, Channel>();
  #isClosing = false;

  constructor(options: ChannelRegistryOptions) {
    this.#options = options;
  }

  get all(): Iterable<Channel> {
    return this.#channels.values();
  }

  find(name: string): Channel | undefined {
    return this.#channels.get(name);
  }

  /** The channel of this name, made if nobody has needed it so far. The name must have been checked. */
  open(name: string): Channel {
    const known = this.#channels.get(name);
    if (known) return known;
    const channel = this.#options.openChannel(name, () => {
      if (this.#channels.get(name) !== channel) return;
      this.#channels.delete(name);
      this.#options.onForgotten(name);
    });
    this.#channels.set(name, channel);
    return channel;
  }

  /** Viewers that hold a connection. */
  get viewerCount(): number {
    let count = 0;
    for (const channel of this.#channels.values()) count += channel.fanOut.viewerCount;
    return count;
  }

  get publisherCount(): number {
    let count = 0;
    for (const channel of this.#channels.values()) if (channel.hasPublisher) count++;
    return count;
  }

  /** Whether one more publisher fits; one that takes over on its own channel always does. */
  hasRoomForPublisher(name: string): boolean {
    if (this.#isClosing) return false;
    return this.find(name)?.isLive === true || this.publisherCount < this.#options.publisherLimit;
  }

  get hasRoomForViewer(): boolean {
    return !this.#isClosing && this.viewerCount < this.#options.viewerLimit;
  }

  /** To be called when viewers came or went: more viewers are written to less often. */
  adaptMerging(): void {
    const mergeMs = mergeMsFor(this.viewerCount, this.#options.merge);
    for (const channel of this.#channels.values()) channel.fanOut.setMergeMs(mergeMs);
  }

  /** Ends every broadcast and sends everybody away; they are told that the server restarts. */
  async close(): Promise<void> {
    this.#isClosing = true;
    await Promise.all([...this.#channels.values()].map((channel) => channel.close()));
  }
}
