import { readFile } from "node:fs/promises";
import { join } from "node:path";
import type { TlsOptions } from "node:tls";
import {
  type AdminServer,
  closeOnce,
  createRouter,
  formatAddress,
  isLoopback,
  type Listener,
  type Logger,
  listenHttp,
  listenTcp,
  Metrics,
  parseAddress,
  registerProcessMetrics,
  serveStatic,
  startAdmin,
  systemClock,
} from "@kagami/kit";
import { Api } from "./api/routes.ts";
import { Access } from "./channels/access.ts";
import { Channel, type Timing } from "./channels/channel.ts";
import { ChannelRegistry } from "./channels/channel-registry.ts";
import { ChannelStore } from "./channels/channel-store.ts";
import type { LiveConfig } from "./config.ts";
import { DeliveryCounters } from "./delivery/delivery-counters.ts";
import { serveFlv } from "./delivery/flv-endpoint.ts";
import { HlsEndpoint } from "./delivery/hls-endpoint.ts";
import { WebSocketEndpoint } from "./delivery/websocket-endpoint.ts";
import { DEFAULT_MERGE_LIMITS } from "./engine/merge-window.ts";
import { LiveError } from "./errors.ts";
import { IngestCounters } from "./ingest/ingest-counters.ts";
import { RtmpConnection } from "./ingest/rtmp-connection.ts";
import { DEFAULT_RTMP_LIMITS } from "./protocol/rtmp/index.ts";
import { Recorder, RecordingCounters } from "./recording/recorder.ts";
import { mendTornRecordings } from "./recording/torn-recordings.ts";
import { publishStreamMetrics } from "./stream-metrics.ts";

/** A running live server. */
export interface LiveServer {
  /** Where it really listens; those that are off are absent. */
  readonly addresses: Readonly<Record<string, string>>;
  /** Made at this start because there was none; it cannot be read again. */
  readonly newOperatorToken: string | undefined;
  readonly store: ChannelStore;
  /** Drains: tells publishers and viewers, ends recordings, and cuts who is left after `graceMs`. Idempotent. */
  close(graceMs?: number): Promise<void>;
}

/** The version that `/api/server` and players see. */
export const LIVE_VERSION = "0.1.0";

/** Connections of one address before it has shown a key or a token. */
const CONNECTIONS_PER_ADDRESS = 5_000;
const VIEWER_COUNT_INTERVAL_MS = 2_000;

/** The pages load nothing from elsewhere, and nobody frames the studio. */
const PAGE_HEADERS: Readonly<Record<string, string>> = {
  "content-security-policy":
    "default-src 'self'; connect-src 'self' ws: wss:; media-src 'self' blob:; img-src 'self' data:; worker-src 'self' blob:; frame-ancestors 'self'; base-uri 'none'; form-action 'self'",
  "referrer-policy": "same-origin",
  "x-content-type-options": "nosniff",
};

const timing: Timing = {
  monotonicMs: () => systemClock.monotonicMs(),
  wallMs: () => systemClock.wallMs(),
  setTimer: (run, delayMs) => {
    const timer = setTimeout(run, delayMs);
    return { cancel: () => clearTimeout(timer) };
  },
};

/**
 * Starts the live server.
 *
 * @throws LiveError `CONFIG_UNSAFE`, ListenError, FileError
 */
export async function startLiveServer(config: LiveConfig, log: Logger): Promise<LiveServer> {
  refuseUnsafe(config);
  const metrics = new Metrics();
  registerProcessMetrics(metrics);
  const tls = await readTls(config);
  const { store, newOperatorToken } = await openStore(config);
  const recordDir = config.recordDir === "" ? join(config.data, "recordings") : config.recordDir;
  await mendTornRecordings(recordDir, log);

  const access = new Access({ ...config, store, nowMs: timing.wallMs, log });
  const deliveryCounters = new DeliveryCounters(metrics);
  const ingestCounters = new IngestCounters(metrics);
  const registry = makeRegistry(config, { store, log, deliveryCounters, ingestCounters, metrics, recordDir });
  publishStreamMetrics(metrics, registry, timing);

  const rtmpConnections = new Set<RtmpConnection>();
  const onRtmp = (socket: ConstructorParameters<typeof RtmpConnection>[0]) => {
    const limits = { afterAccept: { ...DEFAULT_RTMP_LIMITS.afterAccept, maxMessageBytes: config.maxMessageBytes } };
    const options = { access, registry, counters: ingestCounters, timing, limits, log };
    const connection = new RtmpConnection(socket, options);
    rtmpConnections.add(connection);
    socket.on("close", () => rtmpConnections.delete(connection));
  };
  const listeners = await openListeners(config, {
    tls,
    metrics,
    log,
    onRtmp,
    store,
    registry,
    access,
    deliveryCounters,
  });

  const viewerCounts = new Map<string, number>();
  const ticker = setInterval(() => tellViewerCounts(registry, viewerCounts), VIEWER_COUNT_INTERVAL_MS);
  return {
    addresses: addressesOf(listeners),
    newOperatorToken,
    store,
    close: closeOnce(async (graceMs = 0) => {
      clearInterval(ticker);
      listeners.admin?.startDraining();
      for (const connection of rtmpConnections) connection.requestReconnect();
      const closing = [listeners.http, listeners.rtmp, listeners.rtmps].map((listener) => listener?.close(graceMs));
      await registry.close();
      await Promise.all(closing);
      await listeners.admin?.close(graceMs);
    }),
  };
}

function refuseUnsafe(config: LiveConfig): void {
  if (!config.openPublish) return;
  const open = [config.listen, config.rtmp, config.rtmps].filter((text) => text !== "off");
  const exposed = open.find((text) => !isLoopback(parseAddress(text).host));
  if (exposed === undefined) return;
  throw new LiveError(
    "CONFIG_UNSAFE",
    `Cannot start with --open-publish at ${exposed}: anybody could publish. Listen on 127.0.0.1, or leave it out and create channels with keys`,
  );
}

async function readTls(config: LiveConfig): Promise<TlsOptions | undefined> {
  const needsTls = config.https || config.rtmps !== "off";
  if (!needsTls) return undefined;
  if (config.tlsCert === "" || config.tlsKey === "") {
    throw new LiveError("CONFIG_UNSAFE", "Cannot serve over TLS: give --tls-cert and --tls-key, both in PEM");
  }
  return { cert: await readFile(config.tlsCert), key: await readFile(config.tlsKey) };
}

function openStore(config: LiveConfig): ReturnType<typeof ChannelStore.open> {
  return ChannelStore.open({
    directory: join(config.data, "live"),
    channelLimit: config.channelLimit,
    isOpenPublish: config.openPublish,
    operatorToken: config.operatorToken,
    nowMs: timing.wallMs,
  });
}

interface RegistryParts {
  readonly store: ChannelStore;
  readonly log: Logger;
  readonly deliveryCounters: DeliveryCounters;
  readonly ingestCounters: IngestCounters;
  readonly metrics: Metrics;
  readonly recordDir: string;
}

function makeRegistry(config: LiveConfig, parts: RegistryParts): ChannelRegistry {
  const { store, log, deliveryCounters, ingestCounters, metrics, recordDir } = parts;
  const recordingCounters = new RecordingCounters(metrics);
  const viewerLimits = {
    maxBufferedBytes: config.viewerBufferBytes,
    lagLimitUs: config.viewerLagMs * 1000,
    resumeLagUs: Math.min(1_000_000, config.viewerLagMs * 400),
    stallLimitMs: config.viewerStallMs,
  };
  const openSink = (channelName: string, startedAtMs: number) => {
    if (config.record === "off") return undefined;
    const directory = join(recordDir, channelName);
    return new Recorder({
      directory,
      startedAtMs,
      timing,
      counters: recordingCounters,
      log: log.child({ channel: channelName }),
    });
  };
  return new ChannelRegistry({
    merge: {
      ...DEFAULT_MERGE_LIMITS,
      mergeMs: config.mergeMs,
      maxMergeMs: Math.max(config.mergeMs, config.maxMergeMs),
    },
    publisherLimit: config.publisherLimit,
    viewerLimit: config.viewerLimit,
    openChannel: (name, onIdle) =>
      new Channel({
        name,
        timing,
        graceMs: config.graceMs,
        mergeMs: config.mergeMs,
        gopCacheBytes: config.gopCacheBytes,
        hlsPartMs: config.hlsPartMs,
        hlsWindowBytes: config.hlsWindowBytes,
        viewerLimits,
        deliveryCounters,
        ingestCounters,
        log,
        openSink,
        onIdle,
      }),
    onForgotten: (name) => store.forgetOpen(name),
  });
}

interface Listeners {
  readonly http: Listener;
  readonly rtmp: Listener | undefined;
  readonly rtmps: Listener | undefined;
  readonly admin: AdminServer | undefined;
}

interface ListenerParts {
  readonly tls: TlsOptions | undefined;
  readonly metrics: Metrics;
  readonly log: Logger;
  readonly onRtmp: (socket: ConstructorParameters<typeof RtmpConnection>[0]) => void;
  readonly store: ChannelStore;
  readonly registry: ChannelRegistry;
  readonly access: Access;
  readonly deliveryCounters: DeliveryCounters;
}

async function openListeners(config: LiveConfig, parts: ListenerParts): Promise<Listeners> {
  const { tls, metrics, log, onRtmp } = parts;
  const opened: { close(graceMs?: number): Promise<void> }[] = [];
  const keep = <L extends Listener>(listener: L): L => {
    opened.push(listener);
    return listener;
  };
  const shared = { metrics, log, maxConnectionsPerIp: CONNECTIONS_PER_ADDRESS };
  const rtmpLimit = config.publisherLimit + config.viewerLimit;
  const tcp = async (name: string, address: string, options: { tls?: TlsOptions }) =>
    keep(await listenTcp({ ...shared, ...options, name, address, maxConnections: rtmpLimit, onConnection: onRtmp }));
  try {
    const rtmp = config.rtmp === "off" ? undefined : await tcp("rtmp", config.rtmp, {});
    const rtmps = config.rtmps === "off" || !tls ? undefined : await tcp("rtmps", config.rtmps, { tls });
    const publishUrls = publishUrlsFor(config, rtmp, rtmps);
    const http = keep(await openHttp(config, parts, publishUrls));
    const admin = config.admin === "off" ? undefined : keep(await startAdmin({ address: config.admin, metrics, log }));
    return { http, rtmp, rtmps, admin };
  } catch (error) {
    await Promise.all(opened.map((listener) => listener.close()));
    throw error;
  }
}

type PublishUrls = (host: string | undefined) => { rtmpUrl: string; rtmpsUrl: string | null };

/** Encoders reach the server by the name that the studio's page was asked for, at the ports it listens on. */
function publishUrlsFor(config: LiveConfig, rtmp: Listener | undefined, rtmps: Listener | undefined): PublishUrls {
  const urlOf = (scheme: string, listener: Listener, usualPort: number, host: string | undefined) => {
    const { port } = listener.address;
    const name = host?.replace(/:\d+$/, "") || formatAddress({ ...listener.address, port: 0 }).replace(/:0$/, "");
    return `${scheme}://${name}${port === usualPort ? "" : `:${port}`}/live`;
  };
  return (host) => ({
    rtmpUrl: config.publicRtmpUrl || (rtmp ? urlOf("rtmp", rtmp, 1935, host) : ""),
    rtmpsUrl: rtmps ? urlOf("rtmps", rtmps, 443, host) : null,
  });
}

function openHttp(config: LiveConfig, parts: ListenerParts, publishUrls: PublishUrls): Promise<Listener> {
  const { tls, metrics, log, store, registry, access, deliveryCounters } = parts;
  const router = createRouter({
    isCrossOrigin: true,
    ...(config.webRoot !== "" && {
      fallback: serveStatic({ dir: config.webRoot, fallbackPage: "index.html", headers: PAGE_HEADERS }),
    }),
  });
  new Api({ store, registry, access, timing, publishUrls, version: LIVE_VERSION }).addRoutes(router);
  new HlsEndpoint({ access, registry, counters: deliveryCounters, timing }).addRoutes(router);
  router.add("GET", "/live/{name}.flv", (route) => serveFlv(route, access, registry, timing));
  const websocket = new WebSocketEndpoint({ access, registry, timing, log });
  return listenHttp({
    name: "http",
    address: config.listen,
    maxConnections: 2 * config.viewerLimit,
    maxConnectionsPerIp: CONNECTIONS_PER_ADDRESS,
    ...(config.https && tls && { tls }),
    metrics,
    log,
    onRequest: (request, response) => router.handle(request, response),
    onUpgrade: (request, socket, head) => websocket.onUpgrade(request, socket, head),
  });
}

function addressesOf(listeners: Listeners): Record<string, string> {
  const addresses: Record<string, string> = {};
  for (const [name, listener] of Object.entries(listeners)) if (listener) addresses[name] = listener.addressText;
  return addresses;
}

/** Tells viewers how many they are, where that has changed. */
function tellViewerCounts(registry: ChannelRegistry, told: Map<string, number>): void {
  for (const channel of registry.all) {
    const count = channel.viewerCount;
    if (told.get(channel.name) === count) continue;
    told.set(channel.name, count);
    channel.fanOut.tell({ type: "viewers", count });
  }
  for (const name of told.keys()) if (!registry.find(name)) told.delete(name);
}
