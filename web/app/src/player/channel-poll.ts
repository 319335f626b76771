import { ApiError, fetchChannel } from "../api/client.ts";
import type { EngineEvents, StreamAddress } from "./engine.ts";

const EVERY_MS = 3_000;

/** Asks for a channel's state every three seconds, for the modes that have no connection to hear it on. */
export class ChannelPoll {
  readonly #address: StreamAddress;
  readonly #events: EngineEvents;
  readonly #onLive: () => void;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #wasLive = false;
  #hadLive = false;
  #isStopped = false;

  /** @param onLive Called when the channel becomes live, also at the first answer. */
  constructor(address: StreamAddress, events: EngineEvents, onLive: () => void) {
    this.#address = address;
    this.#events = events;
    this.#onLive = onLive;
  }

  async run(): Promise<void> {
    clearTimeout(this.#timer);
    await this.#ask();
    if (!this.#isStopped) this.#timer = setTimeout(() => void this.run(), EVERY_MS);
  }

  stop(): void {
    this.#isStopped = true;
    clearTimeout(this.#timer);
  }

  async #ask(): Promise<void> {
    try {
      const channel = await fetchChannel(this.#address.name, this.#address.token);
      if (this.#isStopped) return;
      this.#events.onViewerCount(channel.viewerCount);
      this.#events.onPhase("joined");
      this.#events.onStreamState(
        channel.isInterrupted ? "interrupted" : channel.isLive ? "live" : this.#hadLive ? "ended" : "waiting",
      );
      const isNew = channel.isLive && !this.#wasLive;
      this.#wasLive = channel.isLive;
      this.#hadLive ||= channel.isLive;
      if (isNew) this.#onLive();
    } catch (error) {
      if (this.#isStopped || !(error instanceof ApiError)) return;
      if (error.status === 401 || error.status === 403) this.#events.onPhase("not-allowed");
      else this.#events.onPhase(error.status === 404 ? "not-found" : "reconnecting");
    }
  }
}
