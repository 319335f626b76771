import { addressSetting, baseConfigShape } from "@kagami/kit";
import { z } from "zod";

const MIB = 1 << 20;

type Group = "TLS" | "Access" | "Ingest" | "Delivery" | "HLS" | "Recording" | "Privacy";

const addressOrOff = (initial: string, group: Group, what: string) =>
  z
    .union([z.literal("off"), addressSetting()])
    .default(initial)
    .meta({ placeholder: "host:port|off", group })
    .describe(what);

const text = (placeholder: string, group: Group, what: string) =>
  z.string().default("").meta({ placeholder, group }).describe(what);

const secret = (group: Group, what: string) =>
  z.string().default("").meta({ secret: true, placeholder: "SECRET", group }).describe(what);

const flag = (group: Group, what: string) => z.boolean().default(false).meta({ group }).describe(what);

const count = (initial: number, max: number, group: Group, what: string) =>
  z.int().min(1).max(max).default(initial).meta({ group }).describe(what);

const milliseconds = (initial: number, min: number, max: number, group: Group, what: string) =>
  z.int().min(min).max(max).default(initial).meta({ unit: "ms", group }).describe(what);

const bytes = (initial: number, max: number, group: Group, what: string) =>
  z.int().min(65_536).max(max).default(initial).meta({ unit: "bytes", group }).describe(what);

/** The only list of the live server's settings. */
export const configSchema = z.strictObject({
  ...baseConfigShape,
  listen: addressSetting()
    .default("127.0.0.1:8080")
    .describe("Address and port for viewers and the studio (HTTP and WebSocket)"),
  rtmp: z
    .union([z.literal("off"), addressSetting()])
    .default("127.0.0.1:1935")
    .meta({ placeholder: "host:port|off" })
    .describe("Address and port for publishers and RTMP players"),
  webRoot: z.string().default("").meta({ placeholder: "DIR" }).describe("Built web app to serve; empty serves none"),

  rtmps: addressOrOff("off", "TLS", "RTMP over TLS; needs tlsCert and tlsKey"),
  https: flag("TLS", "Serve viewers over TLS, with tlsCert and tlsKey"),
  tlsCert: text("FILE", "TLS", "Certificate chain, PEM"),
  tlsKey: text("FILE", "TLS", "Private key of the certificate, PEM"),

  openPublish: flag("Access", "Take any stream key as the public name of its channel; on loopback only"),
  operatorToken: secret("Access", "Token for creating channels; empty makes one at first start and prints it once"),
  channelLimit: count(1_000, 100_000, "Access", "Channels at the most"),
  publishHook: text("URL", "Access", "Asked by POST before a publisher may start"),
  playHook: text("URL", "Access", "Asked by POST before a viewer may start"),
  hookSecret: secret("Access", "Signs the hooks' bodies"),
  hookTimeoutMs: milliseconds(3_000, 100, 30_000, "Access", "A hook that does not answer in time refuses"),
  addressLimit: count(
    5_000,
    100_000,
    "Access",
    "Connections of one address at once; raise it behind a proxy, whose address all viewers then have",
  ),

  publicRtmpUrl: text(
    "rtmp://host/live",
    "Ingest",
    "Publishing address that the studio shows; empty derives it from the request's host",
  ),
  publisherLimit: count(100, 10_000, "Ingest", "Publishers at once"),
  graceMs: milliseconds(10_000, 0, 600_000, "Ingest", "A publisher that returns within this continues its broadcast"),
  maxMessageBytes: bytes(8 * MIB, 64 * MIB, "Ingest", "Largest RTMP message; a key frame is one message"),

  viewerLimit: count(10_000, 100_000, "Delivery", "Viewers at once, over all protocols that hold a connection"),
  mergeMs: milliseconds(33, 0, 1_000, "Delivery", "Media is written to viewers this often"),
  maxMergeMs: milliseconds(100, 0, 2_000, "Delivery", "With many viewers it is merged up to this"),
  gopCacheBytes: bytes(16 * MIB, 256 * MIB, "Delivery", "Media since the last key frame for newcomers, per channel"),
  viewerBufferBytes: bytes(MIB, 64 * MIB, "Delivery", "Bytes waiting for a viewer beyond which its picture stops"),
  viewerLagMs: milliseconds(2_500, 500, 60_000, "Delivery", "Unacknowledged media beyond which its picture stops"),
  viewerStallMs: milliseconds(60_000, 1_000, 3_600_000, "Delivery", "A viewer that takes nothing this long must leave"),

  hlsPartMs: milliseconds(200, 100, 1_000, "HLS", "Target of an LL-HLS part"),
  hlsWindowBytes: bytes(64 * MIB, 1024 * MIB, "HLS", "Media kept for HLS, per channel"),

  record: z.enum(["off", "all"]).default("off").meta({ group: "Recording" }).describe("Which channels are recorded"),
  recordDir: text("DIR", "Recording", "Where recordings go; empty is the recordings folder in the data directory"),

  privacy: z
    .enum(["on", "off"])
    .default("on")
    .meta({ group: "Privacy" })
    .describe("Whether channels may have notifications hidden; a channel whose filter is on counts as failed with off"),
  privacyStreams: count(4, 64, "Privacy", "Channels that share one filter process"),
  privacyBudgetMs: milliseconds(
    500,
    100,
    10_000,
    "Privacy",
    "Sound waits no longer for its picture; a filter that answers nothing for this long, and for 2 s, has failed",
  ),
  privacyOnFailure: z
    .enum(["cover", "pause", "pass"])
    .default("cover")
    .meta({ group: "Privacy" })
    .describe("What happens then, unless the channel says otherwise; pass shows everything"),
});

export type LiveConfig = z.output<typeof configSchema>;
