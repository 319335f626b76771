import { AppendQueue } from "./append-queue.ts";

/** ManagedMediaSource of Safari (iOS 17.1), which the DOM types do not know yet. */
interface ManagedMediaSource extends MediaSource {
  readonly streaming: boolean;
}

/** What the owner hears from the sink. */
export interface MseSinkEvents {
  onUpdated(): void;
  onQuota(): void;
  onOverflow(): void;
  /** The MediaSource is dead, or refuses the codec: make a new sink, or give up. */
  onBroken(error: unknown, isUnsupported: boolean): void;
}

/** The constructor to use: the managed one where it exists, since Safari on iPhone has no other. */
export function mediaSourceClass(): typeof MediaSource | undefined {
  const global = window as unknown as {
    ManagedMediaSource?: typeof MediaSource;
    MediaSource?: typeof MediaSource;
  };
  return global.ManagedMediaSource ?? global.MediaSource;
}

/** A MediaSource with one SourceBuffer, attached to a video element until `detach`. */
export class MseSink {
  readonly #video: HTMLVideoElement;
  readonly #events: MseSinkEvents;
  readonly #source: MediaSource;
  readonly #url: string;
  #isOpen = false;
  #isDetached = false;
  #queue: AppendQueue | undefined;
  #waiting: ((queue: AppendQueue) => void)[] = [];
  #mime: string | undefined;

  /** @param SourceClass From {@link mediaSourceClass}. */
  constructor(video: HTMLVideoElement, SourceClass: typeof MediaSource, events: MseSinkEvents) {
    this.#video = video;
    this.#events = events;
    this.#source = new SourceClass();
    this.#source.addEventListener("sourceopen", () => {
      this.#isOpen = true;
      this.#build();
    });
    // A managed source says when it wants data; without the gate Safari may drop what it did not ask for.
    this.#source.addEventListener("startstreaming", () => this.#queue?.setOpen(true));
    this.#source.addEventListener("endstreaming", () => this.#queue?.setOpen(false));
    this.#url = URL.createObjectURL(this.#source);
    video.disableRemotePlayback = true; // a managed source does not open otherwise
    video.src = this.#url;
  }

  get appendedMs(): number | undefined {
    return this.#queue?.appendedMs;
  }

  init(bytes: Uint8Array<ArrayBuffer>, mime: string): void {
    this.#mime ??= mime;
    this.#do((queue) => queue.pushInit(bytes, mime));
    this.#build();
  }

  media(bytes: Uint8Array<ArrayBuffer>, endMs: number): void {
    this.#do((queue) => queue.pushMedia(bytes, endMs));
  }

  clear(): void {
    this.#do((queue) => queue.pushClear());
  }

  trim(toS: number): void {
    if (toS > 0) this.#queue?.remove(0, toS);
  }

  detach(): void {
    this.#isDetached = true;
    this.#waiting = [];
    URL.revokeObjectURL(this.#url);
    if (this.#video.src !== this.#url) return;
    this.#video.removeAttribute("src");
    this.#video.load();
  }

  #do(operation: (queue: AppendQueue) => void): void {
    if (this.#queue === undefined) this.#waiting.push(operation);
    else operation(this.#queue);
  }

  #build(): void {
    const mime = this.#mime;
    if (!this.#isOpen || mime === undefined || this.#queue !== undefined || this.#isDetached) return;
    let buffer: SourceBuffer;
    try {
      buffer = this.#source.addSourceBuffer(mime);
    } catch (error) {
      const isUnsupported = error instanceof Error && error.name === "NotSupportedError";
      this.#events.onBroken(error, isUnsupported);
      return;
    }
    const queue = new AppendQueue(buffer, mime, {
      onQuota: () => this.#events.onQuota(),
      onOverflow: () => this.#events.onOverflow(),
      onBroken: (error) => this.#break(error),
    });
    this.#queue = queue;
    buffer.addEventListener("updateend", () => {
      if (this.#isDetached) return;
      queue.pump();
      this.#events.onUpdated();
    });
    buffer.addEventListener("error", () => this.#break(new Error("The browser could not read the media")));
    if ("streaming" in this.#source) queue.setOpen((this.#source as ManagedMediaSource).streaming);
    for (const operation of this.#waiting.splice(0)) operation(queue);
  }

  #break(error: unknown): void {
    if (!this.#isDetached) this.#events.onBroken(error, false);
  }
}
