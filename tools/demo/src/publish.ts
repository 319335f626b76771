import { randomBytes } from "node:crypto";
import { connect, type Socket } from "node:net";
import { setTimeout as sleep, setImmediate as yieldTurn } from "node:timers/promises";
import { type RtmpClientEvent, RtmpClientSession } from "@kagami/live/rtmp";
import { buildFlvConfig, buildFlvFrame, type Sample } from "@kagami/media";
import { createDemoBroadcast, type DemoBroadcast, type DemoBroadcastOptions } from "./broadcast.ts";
import { type DemoLog, DemoPublishError } from "./publish-error.ts";
import { parseRtmpUrl, type RtmpTarget } from "./rtmp-url.ts";

export interface PublishOptions {
  /** `rtmp://host[:port]/app/key`. */
  readonly url: string;
  /** Ends the broadcast. */
  readonly signal?: AbortSignal;
  readonly log?: DemoLog;
  /** Seconds to publish; for ever by default. */
  readonly durationS?: number;
  readonly broadcast?: DemoBroadcastOptions;
}

/** Samples are made this long before they are due, so that a key frame, which takes longest, is never late. */
const MAKE_AHEAD_MS = 150;
/** Behind by more than this, the broadcast skips ahead in its schedule rather than send a burst. */
const LATE_LIMIT_MS = 1000;
/** A server that takes nothing for this long is gone. */
const STALL_LIMIT_MS = 10_000;
/** Bytes that may wait in the socket. */
const BACKLOG_LIMIT_BYTES = 4 << 20;
const FIRST_RETRY_MS = 500;
const MAX_RETRY_MS = 10_000;
const REPORT_INTERVAL_MS = 10_000;

/**
 * Publishes the demo broadcast in real time until `signal` aborts or `durationS` is over, and connects again, after
 * 0.5 s and then twice as long each time up to 10 s, when the server goes away. Each connection is a broadcast from
 * its beginning.
 *
 * Encoding takes about a third of a core: run it in a process of its own.
 *
 * @throws DemoPublishError `DEMO_URL_INVALID` if `url` is not an RTMP address.
 */
export async function startDemoBroadcast(options: PublishOptions): Promise<void> {
  const target = parseRtmpUrl(options.url);
  const log: DemoLog = options.log ?? (() => undefined);
  const endsAtMs = performance.now() + (options.durationS ?? Number.POSITIVE_INFINITY) * 1000;
  let retryMs = FIRST_RETRY_MS;
  while (!isOver(options.signal, endsAtMs)) {
    const connectedAtMs = performance.now();
    try {
      await publishOnce(target, options, log, endsAtMs);
      retryMs = FIRST_RETRY_MS;
    } catch (error) {
      if (!(error instanceof DemoPublishError)) throw error;
      if (performance.now() - connectedAtMs > MAX_RETRY_MS) retryMs = FIRST_RETRY_MS;
      log("demo.interrupted", { code: error.code, message: error.message, retryMs });
      await sleep(Math.min(retryMs, Math.max(0, endsAtMs - performance.now())), undefined, {
        ...(options.signal && { signal: options.signal }),
      }).catch(() => undefined);
      retryMs = Math.min(MAX_RETRY_MS, retryMs * 2);
    }
  }
  log("demo.ended", {});
}

function isOver(signal: AbortSignal | undefined, endsAtMs: number): boolean {
  return signal?.aborted === true || performance.now() >= endsAtMs;
}

/** One connection. Returns when the broadcast is over or the server asks for a new connection. */
async function publishOnce(target: RtmpTarget, options: PublishOptions, log: DemoLog, endsAtMs: number): Promise<void> {
  const connection = await Connection.open(target, options.signal);
  try {
    log("demo.published", { url: target.shownUrl });
    const broadcast = createDemoBroadcast(options.broadcast);
    sendHeaders(connection, broadcast, options.broadcast);
    await sendSamples(connection, broadcast, options.signal, log, endsAtMs);
  } finally {
    connection.close();
  }
}

function sendHeaders(connection: Connection, broadcast: DemoBroadcast, options: DemoBroadcastOptions = {}): void {
  const { video, audio } = broadcast;
  connection.session.sendMetadata({
    encoder: "Kagami demo",
    width: video.width,
    height: video.height,
    framerate: broadcast.fps,
    videocodecid: 7,
    videodatarate: options.bitrateKbps ?? 1200,
    ...(audio && { audiocodecid: 10, audiosamplerate: audio.sampleRate, audiochannels: audio.channelCount }),
  });
  connection.session.sendMedia(9, 0, buildFlvConfig(video));
  if (audio !== undefined) connection.session.sendMedia(8, 0, buildFlvConfig(audio));
  connection.flush();
}

async function sendSamples(
  connection: Connection,
  broadcast: DemoBroadcast,
  signal: AbortSignal | undefined,
  log: DemoLog,
  endsAtMs: number,
): Promise<void> {
  const queue: Sample[] = [];
  let startMs = performance.now() + MAKE_AHEAD_MS;
  let reportAtMs = startMs + REPORT_INTERVAL_MS;
  let sentBytes = 0;
  let pictureCount = 0;
  let ahead = broadcast.next();
  while (!isOver(signal, endsAtMs)) {
    connection.check();
    const nowMs = performance.now();
    if (connection.wantsReconnect) return log("demo.reconnect_requested", {});
    const lateMs = nowMs - startMs - ahead.dtsUs / 1000;
    // A stopped laptop or a starved core: the timeline goes on, only later.
    if (lateMs > LATE_LIMIT_MS) startMs += lateMs;
    for (let sample = queue[0]; sample !== undefined && startMs + sample.dtsUs / 1000 <= nowMs; sample = queue[0]) {
      queue.shift();
      connection.session.sendMedia(sample.kind === "video" ? 9 : 8, Math.round(sample.dtsUs / 1000), flvBody(sample));
      sentBytes += sample.data.length;
      if (sample.kind === "video") pictureCount++;
    }
    connection.flush();
    if (nowMs >= reportAtMs) {
      const seconds = (nowMs - reportAtMs + REPORT_INTERVAL_MS) / 1000;
      log("demo.progressed", {
        fps: round1(pictureCount / seconds),
        kbps: Math.round((sentBytes * 8) / seconds / 1000),
      });
      reportAtMs = nowMs + REPORT_INTERVAL_MS;
      sentBytes = 0;
      pictureCount = 0;
    }
    if (startMs + ahead.dtsUs / 1000 - MAKE_AHEAD_MS <= nowMs) {
      queue.push(ahead);
      ahead = broadcast.next();
      // Between two samples the socket and the signals have their turn, even when the core is too slow.
      await yieldTurn();
      continue;
    }
    const dueMs = startMs + Math.min(queue[0]?.dtsUs ?? ahead.dtsUs, ahead.dtsUs - MAKE_AHEAD_MS * 1000) / 1000;
    await sleep(Math.max(1, Math.min(dueMs - performance.now(), 50)));
  }
}

function round1(value: number): number {
  return Math.round(value * 10) / 10;
}

function flvBody(sample: Sample): Uint8Array {
  return buildFlvFrame(sample.kind === "video" ? "h264" : "aac", sample);
}

/** A socket and the RTMP session over it. Failures are kept and thrown by `check`, in the publishing loop. */
class Connection {
  readonly session: RtmpClientSession;
  readonly #socket: Socket;
  #failure: DemoPublishError | undefined;
  #wantsReconnect = false;
  #onChange: (() => void) | undefined;
  #drainedAtMs = performance.now();

  private constructor(socket: Socket, target: RtmpTarget) {
    this.#socket = socket;
    this.session = new RtmpClientSession({
      mode: "publish",
      app: target.app,
      tcUrl: target.tcUrl,
      streamName: target.streamName,
      randomBytes: (count) => new Uint8Array(randomBytes(count)),
      nowMs: performance.now(),
    });
    socket.setNoDelay(true);
    socket.on("data", (bytes) => this.#onEvents(this.session.receive(bytes, performance.now())));
    socket.on("error", (cause) =>
      this.#fail("DEMO_CONNECTION_LOST", `Cannot reach ${target.shownUrl}: start the server`, cause),
    );
    socket.on("close", () =>
      this.#fail("DEMO_CONNECTION_LOST", `Cannot go on: ${target.shownUrl} closed the connection`),
    );
  }

  /** Connects, and returns once media may flow. */
  static async open(target: RtmpTarget, signal: AbortSignal | undefined): Promise<Connection> {
    const connection = new Connection(connect(target.port, target.host), target);
    const abort = () => connection.#fail("DEMO_CONNECTION_LOST", "Cannot go on: the broadcast was stopped");
    signal?.addEventListener("abort", abort);
    try {
      connection.flush();
      while (!connection.session.isReady) {
        connection.check();
        const waitMs = Math.max(1, connection.session.deadlineMs - performance.now());
        await Promise.race([connection.#changed(), sleep(waitMs, undefined, { ref: false })]);
        connection.#onEvents(connection.session.onDeadline(performance.now()));
      }
      return connection;
    } catch (error) {
      connection.close();
      throw error;
    } finally {
      signal?.removeEventListener("abort", abort);
    }
  }

  get wantsReconnect(): boolean {
    return this.#wantsReconnect;
  }

  /** @throws DemoPublishError if the connection has failed, or takes nothing any more. */
  check(): void {
    if (this.#failure !== undefined) throw this.#failure;
    const nowMs = performance.now();
    if (this.#socket.writableLength === 0) this.#drainedAtMs = nowMs;
    const isStalled = nowMs - this.#drainedAtMs > STALL_LIMIT_MS || this.#socket.writableLength > BACKLOG_LIMIT_BYTES;
    if (isStalled) {
      throw new DemoPublishError(
        "DEMO_SERVER_STALLED",
        `Cannot send: ${this.#socket.writableLength} bytes wait for the server. Check that it is not overloaded`,
      );
    }
  }

  flush(): void {
    const output = this.session.takeOutput();
    if (output.length === 0 || this.#socket.destroyed) return;
    this.#socket.cork();
    for (const bytes of output) this.#socket.write(bytes);
    this.#socket.uncork();
  }

  close(): void {
    this.session.close();
    this.flush();
    // A server that is gone does not read the goodbye.
    if (this.#failure === undefined) this.#socket.end(() => this.#socket.destroy());
    else this.#socket.destroy();
  }

  #changed(): Promise<void> {
    return new Promise((resolve) => {
      this.#onChange = resolve;
    });
  }

  #onEvents(events: readonly RtmpClientEvent[]): void {
    for (const event of events) {
      if (event.kind === "error") this.#fail("DEMO_REFUSED", `Cannot publish: ${event.message}`);
      if (event.kind === "reconnect-request") this.#wantsReconnect = true;
    }
    this.flush();
    this.#onChange?.();
  }

  #fail(code: DemoPublishError["code"], message: string, cause?: unknown): void {
    this.#failure ??= new DemoPublishError(code, message, { cause });
    this.#onChange?.();
  }
}
