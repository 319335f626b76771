import { addressSetting, baseConfigShape } from "@kagami/kit";
import { z } from "zod";

const MIB = 1 << 20;

const address = (what: string, initial: string) =>
  z
    .union([z.literal("off"), addressSetting()])
    .default(initial)
    .meta({ placeholder: "host:port|off" })
    .describe(what);

const count = (initial: number, max: number, what: string) => z.int().min(1).max(max).default(initial).describe(what);

const duration = (initial: number, max: number, what: string) =>
  z.int().min(0).max(max).default(initial).meta({ unit: "ms" }).describe(what);

const bytes = (initial: number, max: number, what: string) =>
  z.int().min(65_536).max(max).default(initial).meta({ unit: "bytes" }).describe(what);

const secret = (what: string) => z.string().default("").meta({ secret: true }).describe(what);

/** The only list of the live server's settings. */
export const configSchema = z.strictObject({
  ...baseConfigShape,
  listen: addressSetting()
    .default("127.0.0.1:8080")
    .describe("Address and port for viewers and the studio (HTTP and WebSocket)"),
  rtmp: address("Address and port for publishers and RTMP players", "127.0.0.1:1935"),
  rtmps: address("The same over TLS; needs tlsCert and tlsKey", "off"),
  https: z.boolean().default(false).describe("Serve viewers over TLS, with tlsCert and tlsKey"),
  tlsCert: z.string().default("").meta({ placeholder: "FILE" }).describe("Certificate chain, PEM"),
  tlsKey: z.string().default("").meta({ placeholder: "FILE" }).describe("Private key of the certificate, PEM"),
  webRoot: z.string().default("").meta({ placeholder: "DIR" }).describe("Built web app to serve; empty serves none"),
  publicRtmpUrl: z
    .string()
    .default("")
    .meta({ placeholder: "rtmp://host/live" })
    .describe("Publishing address that the studio shows; empty derives it from the request's host"),

  openPublish: z
    .boolean()
    .default(false)
    .meta({ group: "Access" })
    .describe("Take any stream key as the public name of its channel; on loopback only"),
  operatorToken: secret("Token for creating channels; empty makes one at first start and prints it once").meta({
    secret: true,
    group: "Access",
  }),
  publishHook: z
    .string()
    .default("")
    .meta({ group: "Access" })
    .describe("URL asked by POST before a publisher may start"),
  playHook: z.string().default("").meta({ group: "Access" }).describe("URL asked by POST before a viewer may start"),
  hookSecret: secret("Signs the hooks' bodies").meta({ secret: true, group: "Access" }),
  hookTimeoutMs: duration(3_000, 30_000, "A hook that does not answer in time refuses"),
  channelLimit: count(1_000, 100_000, "Channels at the most"),

  publisherLimit: count(100, 10_000, "Publishers at once"),
  graceMs: duration(10_000, 600_000, "A publisher that returns within this continues its broadcast"),
  maxMessageBytes: bytes(8 * MIB, 64 * MIB, "Largest RTMP message of a publisher; a key frame is one message"),
  gopCacheBytes: bytes(16 * MIB, 256 * MIB, "Media since the last key frame that is kept for newcomers, per channel"),

  viewerLimit: count(10_000, 100_000, "Viewers at once, over all protocols that hold a connection"),
  mergeMs: duration(33, 1_000, "Media is written to viewers this often").meta({ unit: "ms", group: "Delivery" }),
  maxMergeMs: duration(100, 2_000, "With many viewers it is merged up to this"),
  viewerBufferBytes: bytes(MIB, 64 * MIB, "Bytes waiting for one viewer beyond which its picture stops"),
  viewerLagMs: duration(2_500, 60_000, "Unacknowledged media beyond which a viewer's picture stops"),
  viewerStallMs: duration(60_000, 3_600_000, "A viewer that takes nothing for this long is disconnected"),
  hlsPartMs: z.int().min(100).max(1_000).default(200).meta({ unit: "ms" }).describe("Target of an LL-HLS part"),
  hlsWindowBytes: bytes(64 * MIB, 1024 * MIB, "Media kept for HLS, per channel"),

  record: z.enum(["off", "all"]).default("off").meta({ group: "Recording" }).describe("Which channels are recorded"),
  recordDir: z
    .string()
    .default("")
    .meta({ placeholder: "DIR", group: "Recording" })
    .describe("Where recordings go; empty is the recordings folder in the data directory"),
});

export type LiveConfig = z.output<typeof configSchema>;
