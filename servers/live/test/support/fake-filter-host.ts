import { buildAvcRecord, isMalformed, parseAvcRecord } from "@kagami/media";
import type {
  FilterHandlers,
  FilterPort,
  FilterStreamReply,
  FilterStreamRequest,
  SendOutcome,
} from "../../src/privacy/filter-stream.ts";
import type { ClosableFilterHost } from "../../src/privacy-host.ts";
import type { FilterSettings } from "../../src/protocol/privacy/messages.ts";

type Picture = Extract<FilterStreamRequest, { kind: "picture" }>;

/**
 * A filter that looks at nothing. What it hides, it replaces by the stream's first key frame, so that a decoder shows
 * that picture and nothing else. Its configuration differs from the publisher's by a parameter set that is there twice.
 */
export class FakeFilterHost implements ClosableFilterHost {
  unavailableReason: string | undefined;
  readonly streams: FakeFilterStream[] = [];
  /** Whether pictures are hidden, from the next one on. */
  isHiding = false;
  isPreviewing = true;
  isClosed = false;

  openStream(settings: FilterSettings, handlers: FilterHandlers): FilterPort {
    const stream = new FakeFilterStream(this, settings, handlers);
    this.streams.push(stream);
    setImmediate(() => stream.start());
    return stream;
  }

  get stream(): FakeFilterStream {
    const stream = this.streams.at(-1);
    if (!stream) throw new Error("No stream was opened");
    return stream;
  }

  async close(): Promise<void> {
    this.isClosed = true;
  }
}

export class FakeFilterStream implements FilterPort {
  readonly #host: FakeFilterHost;
  readonly #handlers: FilterHandlers;
  settings: FilterSettings;
  pictureCount = 0;
  restartMessages: string[] = [];
  isHung = false;
  #isRunning = false;
  #isClosed = false;
  #waiting: Picture | undefined;
  readonly #previews = new Set<boolean>();
  #keyData: Uint8Array | undefined;
  #mustCover = false;
  #wasHiding = false;

  constructor(host: FakeFilterHost, settings: FilterSettings, handlers: FilterHandlers) {
    this.#host = host;
    this.settings = settings;
    this.#handlers = handlers;
  }

  start(): void {
    if (this.#isClosed) return;
    this.#isRunning = true;
    this.isHung = false;
    this.#waiting = undefined;
    this.#handlers.onReady();
  }

  /** As if the process had died; `start` brings another one. */
  die(code = "FILTER_DIED"): void {
    this.#isRunning = false;
    this.#mustCover = true;
    this.#handlers.onFailed({ code, message: "The filter process was killed" });
  }

  send(request: FilterStreamRequest): SendOutcome {
    if (request.kind === "settings") this.settings = request.settings;
    if (!this.#isRunning) return "away";
    if (!this.isHung) setImmediate(() => this.#isRunning && this.#take(request));
    return "sent";
  }

  restart(message: string): void {
    this.restartMessages.push(message);
    setImmediate(() => this.die("FILTER_RESTARTED"));
  }

  close(): void {
    setImmediate(() => {
      if (this.#isRunning) this.#answer();
      this.#isRunning = false;
      this.#isClosed = true;
      this.#handlers.onClosed();
    });
  }

  #take(request: FilterStreamRequest): void {
    if (request.kind === "config") this.#reply({ kind: "config", codec: "h264", record: withTwoPps(request.record) });
    if (request.kind === "picture") this.#look(request);
    if (request.kind === "preview") this.#previews.add(request.isTest);
  }

  #look(picture: Picture): void {
    if (picture.isKey) this.#keyData ??= picture.data;
    if (picture.isReplay) return;
    this.pictureCount++;
    this.#preview();
    this.#answer();
    this.#waiting = picture;
  }

  #preview(): void {
    if (!this.#host.isPreviewing) return;
    for (const isTest of this.#previews) {
      this.#reply({
        kind: "preview",
        isTest,
        state: isTest ? "banner" : "clear",
        jpeg: Uint8Array.of(0xff, 0xd8, isTest ? 1 : 0),
      });
    }
  }

  /** A picture goes out when the one after it has come. */
  #answer(): void {
    const picture = this.#waiting;
    this.#waiting = undefined;
    if (!picture || !this.#keyData) return;
    const { sequence, ptsUs } = picture;
    if (picture.isKey) this.#mustCover = false;
    const isHiding = this.#host.isHiding || this.#mustCover || (this.#wasHiding && !picture.isKey);
    if (isHiding !== this.#wasHiding) this.#tellDetection(picture, isHiding);
    this.#wasHiding = isHiding;
    if (isHiding) this.#reply({ kind: "replace", sequence, ptsUs, isKey: true, data: this.#keyData });
    else this.#reply({ kind: "pass", sequence });
  }

  #tellDetection({ ptsUs }: Picture, isHiding: boolean): void {
    const regions = isHiding ? [{ x: 16, y: 9, width: 128, height: 18 }] : [];
    const state = isHiding ? "banner" : "clear";
    const detection = { state, regions, reachesBack: false, isUnsure: false, bannerCount: 1, explanation: [] } as const;
    this.#reply({ kind: "detection", ptsUs, isEncoding: isHiding, width: 160, height: 90, detection });
  }

  #reply(reply: FilterStreamReply): void {
    this.#handlers.onReply(reply);
  }
}

function withTwoPps(record: Uint8Array): Uint8Array {
  const parts = parseAvcRecord(record);
  if (isMalformed(parts)) throw new Error(parts.message);
  const both = buildAvcRecord(parts.sps, [...parts.pps, ...parts.pps], parts.tail);
  if (isMalformed(both)) throw new Error(both.message);
  return both;
}
