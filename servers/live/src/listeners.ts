import type { Socket } from "node:net";
import type { TlsOptions } from "node:tls";
import {
  type AdminServer,
  createRouter,
  formatAddress,
  type Listener,
  type Logger,
  listenHttp,
  listenTcp,
  type Metrics,
  serveStatic,
  startAdmin,
} from "@kagami/kit";
import { Api } from "./api/routes.ts";
import type { Access } from "./channels/access.ts";
import type { ChannelRegistry } from "./channels/channel-registry.ts";
import type { ChannelStore } from "./channels/channel-store.ts";
import type { LiveConfig } from "./config.ts";
import type { DeliveryCounters } from "./delivery/delivery-counters.ts";
import { serveFlv } from "./delivery/flv-endpoint.ts";
import { HlsEndpoint } from "./delivery/hls-endpoint.ts";
import { WebSocketEndpoint } from "./delivery/websocket-endpoint.ts";
import type { FilterHost } from "./privacy/filter-stream.ts";
import { systemTiming } from "./system-timing.ts";

/** The version that `/api/server` tells. */
const LIVE_VERSION = "0.1.0";

/** The pages load nothing from elsewhere, and nobody frames the studio. */
const PAGE_HEADERS: Readonly<Record<string, string>> = {
  "content-security-policy":
    "default-src 'self'; connect-src 'self' ws: wss:; media-src 'self' blob:; img-src 'self' data:; worker-src 'self' blob:; object-src 'none'; frame-ancestors 'self'; base-uri 'none'; form-action 'self'",
  "referrer-policy": "same-origin",
  "x-content-type-options": "nosniff",
};

/** Where the server listens; those that are off are `undefined`. */
export interface Listeners {
  readonly http: Listener;
  readonly rtmp: Listener | undefined;
  readonly rtmps: Listener | undefined;
  readonly admin: AdminServer | undefined;
}

/** What listeners hand their connections to. */
export interface ListenerParts {
  readonly tls: TlsOptions | undefined;
  readonly metrics: Metrics;
  readonly log: Logger;
  readonly onRtmp: (socket: Socket) => void;
  readonly store: ChannelStore;
  readonly registry: ChannelRegistry;
  readonly access: Access;
  readonly deliveryCounters: DeliveryCounters;
  readonly filterHost: FilterHost;
}

/**
 * Opens every listener that the configuration asks for, or none.
 *
 * @throws ListenError
 */
export async function openListeners(config: LiveConfig, parts: ListenerParts): Promise<Listeners> {
  const { tls, metrics, log, onRtmp } = parts;
  const opened: { close(graceMs?: number): Promise<void> }[] = [];
  const keep = <L extends Listener>(listener: L): L => {
    opened.push(listener);
    return listener;
  };
  const shared = { metrics, log, maxConnectionsPerIp: config.addressLimit };
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
  const { tls, metrics, log, store, registry, access, deliveryCounters, filterHost } = parts;
  const router = createRouter({
    isCrossOrigin: true,
    ...(config.webRoot !== "" && {
      fallback: serveStatic({ dir: config.webRoot, fallbackPage: "index.html", headers: PAGE_HEADERS }),
    }),
  });
  const privacyUnavailableReason = () => filterHost.unavailableReason;
  const api = { store, registry, access, timing: systemTiming, publishUrls, privacyUnavailableReason };
  new Api({ ...api, version: LIVE_VERSION }).addRoutes(router);
  new HlsEndpoint({ access, registry, counters: deliveryCounters, timing: systemTiming }).addRoutes(router);
  router.add("GET", "/live/{name}.flv", (route) => serveFlv(route, access, registry, systemTiming));
  const websocket = new WebSocketEndpoint({ access, registry, timing: systemTiming, log });
  return listenHttp({
    name: "http",
    address: config.listen,
    maxConnections: 2 * config.viewerLimit,
    maxConnectionsPerIp: config.addressLimit,
    ...(config.https && tls && { tls }),
    metrics,
    log,
    onRequest: (request, response) => router.handle(request, response),
    onUpgrade: (request, socket, head) => websocket.onUpgrade(request, socket, head),
  });
}

/** `host:port` of each listener, by its name. */
export function addressesOf(listeners: Listeners): Record<string, string> {
  const addresses: Record<string, string> = {};
  for (const [name, listener] of Object.entries(listeners)) if (listener) addresses[name] = listener.addressText;
  return addresses;
}
