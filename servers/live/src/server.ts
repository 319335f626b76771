import { readFile } from "node:fs/promises";
import type { Socket } from "node:net";
import { join } from "node:path";
import type { TlsOptions } from "node:tls";
import { closeOnce, isLoopback, type Logger, Metrics, parseAddress, registerProcessMetrics } from "@kagami/kit";
import { Access } from "./channels/access.ts";
import { Channel } from "./channels/channel.ts";
import { ChannelRegistry } from "./channels/channel-registry.ts";
import { ChannelStore } from "./channels/channel-store.ts";
import { PrivacyCounters } from "./channels/privacy-counters.ts";
import { defaultPrivacy } from "./channels/privacy-settings.ts";
import type { LiveConfig } from "./config.ts";
import { DeliveryCounters } from "./delivery/delivery-counters.ts";
import { DEFAULT_MERGE_LIMITS } from "./engine/merge-window.ts";
import { DEFAULT_GATE_LIMITS } from "./engine/privacy/gate-types.ts";
import { LiveError } from "./errors.ts";
import { IngestCounters } from "./ingest/ingest-counters.ts";
import { RtmpConnection } from "./ingest/rtmp-connection.ts";
import { addressesOf, openListeners } from "./listeners.ts";
import { keepMemory } from "./memory-keeper.ts";
import type { FilterHost } from "./privacy/filter-stream.ts";
import { type ClosableFilterHost, openFilterHost } from "./privacy-host.ts";
import { DEFAULT_RTMP_LIMITS } from "./protocol/rtmp/index.ts";
import { Recorder, RecordingCounters } from "./recording/recorder.ts";
import { mendTornRecordings } from "./recording/torn-recordings.ts";
import { publishStreamMetrics } from "./stream-metrics.ts";
import { systemTiming } from "./system-timing.ts";

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

const VIEWER_COUNT_INTERVAL_MS = 2_000;

/** What tests put in the place of the real thing. */
export interface LiveServerParts {
  readonly filterHost?: ClosableFilterHost;
}

/**
 * Starts the live server.
 *
 * @throws LiveError `CONFIG_UNSAFE`, ListenError, FileError
 */
export async function startLiveServer(
  config: LiveConfig,
  log: Logger,
  parts: LiveServerParts = {},
): Promise<LiveServer> {
  refuseUnsafe(config);
  const metrics = new Metrics();
  registerProcessMetrics(metrics);
  const tls = await readTls(config);
  const { store, newOperatorToken } = await openStore(config);
  const recordDir = config.recordDir === "" ? join(config.data, "recordings") : config.recordDir;
  await mendTornRecordings(recordDir, log);

  const access = new Access({ ...config, store, nowMs: systemTiming.wallMs, log });
  const deliveryCounters = new DeliveryCounters(metrics);
  const ingestCounters = new IngestCounters(metrics);
  const filterHost = parts.filterHost ?? openFilterHost(config, log);
  const counted = { deliveryCounters, ingestCounters, metrics };
  const registry = makeRegistry(config, { store, log, ...counted, recordDir, filterHost });
  publishStreamMetrics(metrics, registry, systemTiming);

  const rtmpConnections = new Set<RtmpConnection>();
  const onRtmp = (socket: Socket) => {
    const limits = { afterAccept: { ...DEFAULT_RTMP_LIMITS.afterAccept, maxMessageBytes: config.maxMessageBytes } };
    const options = { access, registry, counters: ingestCounters, timing: systemTiming, limits, log };
    const connection = new RtmpConnection(socket, options);
    rtmpConnections.add(connection);
    socket.on("close", () => rtmpConnections.delete(connection));
  };
  metrics.memoryAccount("rtmp-input", () => {
    let bytes = 0;
    for (const connection of rtmpConnections) bytes += connection.heldBytes;
    return bytes;
  });
  const listeners = await openListeners(config, {
    tls,
    metrics,
    log,
    onRtmp,
    store,
    registry,
    access,
    deliveryCounters,
    filterHost,
  });

  const stopKeeping = keepMemory(metrics, log);
  const viewerCounts = new Map<string, number>();
  const ticker = setInterval(() => tellViewerCounts(registry, viewerCounts), VIEWER_COUNT_INTERVAL_MS);
  return {
    addresses: addressesOf(listeners),
    newOperatorToken,
    store,
    close: closeOnce(async (graceMs = 0) => {
      clearInterval(ticker);
      stopKeeping();
      listeners.admin?.startDraining();
      for (const connection of rtmpConnections) connection.requestReconnect();
      const closing = [listeners.http, listeners.rtmp, listeners.rtmps].map((listener) => listener?.close(graceMs));
      await registry.close();
      await filterHost.close();
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
    privacyOnFailure: config.privacyOnFailure,
    nowMs: systemTiming.wallMs,
  });
}

interface RegistryParts {
  readonly store: ChannelStore;
  readonly log: Logger;
  readonly deliveryCounters: DeliveryCounters;
  readonly ingestCounters: IngestCounters;
  readonly metrics: Metrics;
  readonly recordDir: string;
  readonly filterHost: FilterHost;
}

function makeRegistry(config: LiveConfig, parts: RegistryParts): ChannelRegistry {
  const { store, log, deliveryCounters, ingestCounters, metrics, recordDir, filterHost } = parts;
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
      timing: systemTiming,
      counters: recordingCounters,
      log: log.child({ channel: channelName }),
    });
  };
  const privacy = {
    host: filterHost,
    limits: { ...DEFAULT_GATE_LIMITS, budgetMs: config.privacyBudgetMs },
    counters: new PrivacyCounters(metrics),
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
        timing: systemTiming,
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
        privacy,
        privacySettings: () => store.find(name)?.privacy ?? defaultPrivacy(config.privacyOnFailure),
        onIdle,
      }),
    onForgotten: (name) => store.forgetOpen(name),
  });
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
