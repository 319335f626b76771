import { addressSetting, baseConfigShape } from "@kagami/kit";
import { z } from "zod";
import { TIER_PATTERN } from "./storage/tiers/open-tiers.ts";

const MIB = 1 << 20;
const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;

type Group =
  | "Storage"
  | "Tiers"
  | "Access"
  | "TLS"
  | "Limits"
  | "Logs"
  | "Lifecycle"
  | "Maintenance"
  | "Replica"
  | "Operation";

const count = (initial: number, min: number, max: number, group: Group, what: string) =>
  z.int().min(min).max(max).default(initial).meta({ group }).describe(what);

const bytes = (initial: number, min: number, max: number, group: Group, what: string) =>
  z.int().min(min).max(max).default(initial).meta({ unit: "bytes", group }).describe(what);

const milliseconds = (initial: number, min: number, max: number, group: Group, what: string) =>
  z.int().min(min).max(max).default(initial).meta({ unit: "ms", group }).describe(what);

const text = (placeholder: string, group: Group, what: string) =>
  z.string().default("").meta({ placeholder, group }).describe(what);

/** The only list of the object store's settings. */
export const configSchema = z.strictObject({
  ...baseConfigShape,
  listen: addressSetting().default("127.0.0.1:9000").describe("Address and port for S3 clients"),
  admin: baseConfigShape.admin.describe(
    "Address of the admin page, its API, /healthz, /readyz and /metrics, or off; the last three ask for no credentials",
  ),
  data: baseConfigShape.data.default("data/objects"),
  indexEngine: z
    .enum(["rocksdb-native", "classic-level"])
    .default("rocksdb-native")
    .meta({ group: "Storage" })
    .describe("What keeps the index; a store keeps the engine that it was made with"),
  volumeBytes: bytes(256 * MIB, MIB, 4_096 * MIB, "Storage", "Size at which a volume is sealed and the next begun"),
  cacheBytes: bytes(256 * MIB, MIB, 262_144 * MIB, "Storage", "Memory for entries and small bodies that are asked for"),
  recentBytes: bytes(
    64 * MIB,
    0,
    65_536 * MIB,
    "Storage",
    "Memory for the bodies that were written last; 0 keeps none",
  ),
  tiers: z
    .array(z.string().regex(TIER_PATTERN))
    .default([])
    .meta({ placeholder: "hdd=DIR", group: "Tiers" })
    .describe(
      "Slower disks, fastest first: NAME=DIR or NAME:CLASS=DIR; classes are STANDARD_IA, GLACIER_IR, ONEZONE_IA, in that order if not given",
    ),
  requireTiers: z
    .boolean()
    .default(false)
    .meta({ group: "Tiers" })
    .describe("Do not start while the disk of a tier is not there"),
  coldAfterDays: count(
    0,
    0,
    36_500,
    "Tiers",
    "Move volumes to which nothing was written for so many days; 0 never does",
  ),
  coldTier: text("NAME", "Tiers", "Where they go; empty is the first of the tiers"),
  tierGatherMs: milliseconds(
    HOUR_MS,
    1_000,
    30 * DAY_MS,
    "Tiers",
    "How long small objects put for a slow tier gather on the first disk, if they fill no volume before",
  ),
  tierBytesPerSecond: bytes(
    32 * MIB,
    MIB,
    10_240 * MIB,
    "Tiers",
    "As maintenanceBytesPerSecond, for the disk of each tier",
  ),
  region: z
    .string()
    .regex(/^[a-z0-9-]{1,40}$/)
    .default("us-east-1")
    .describe("Region that clients sign for and that GetBucketLocation tells"),
  domains: z
    .array(z.string().regex(/^[a-z0-9.-]{1,200}$/))
    .default([])
    .meta({ placeholder: "s3.example.com", group: "Access" })
    .describe("Domains below which the first label is a bucket (virtual-host style); path style always works"),
  publicUrl: z
    .string()
    .regex(/^(https?:\/\/[^/?#@\s]+)?$/)
    .default("")
    .meta({ placeholder: "https://s3.example.com" })
    .describe("Where clients reach listen, for links that the admin API makes; empty takes the address it listens on"),

  accessKey: text(
    "KEY",
    "Access",
    "Access key of the first user; without it one is made at the first start and shown once",
  ),
  secretKey: z
    .string()
    .default("")
    .meta({ secret: true, placeholder: "SECRET", group: "Access" })
    .describe("Secret of that access key, 8 characters or more"),
  adminToken: z
    .string()
    .default("")
    .meta({ secret: true, placeholder: "SECRET", group: "Access" })
    .describe("Asked for by the admin API as Authorization: Bearer; without it the API answers on loopback only"),
  trustedProxies: z
    .array(z.string())
    .default([])
    .meta({ placeholder: "NETWORK", group: "Access" })
    .describe("Networks whose X-Forwarded-For and X-Forwarded-Proto are believed"),

  tlsCert: text("FILE", "TLS", "Certificate chain, PEM; with tlsKey, listen speaks HTTPS"),
  tlsKey: text("FILE", "TLS", "Private key of the certificate, PEM"),

  maxConnections: count(10_000, 1, 100_000, "Limits", "Client connections at once"),
  maxConnectionsPerIp: count(10_000, 1, 100_000, "Limits", "Client connections at once from one address"),
  maxBodyMemoryBytes: bytes(
    256 * MIB,
    16 * MIB,
    16_384 * MIB,
    "Limits",
    "Memory that bodies in flight share; requests beyond it wait before their body is read",
  ),
  maxWaitingRequests: count(
    1_000,
    1,
    100_000,
    "Limits",
    "Requests that may wait for that memory; more get 503 SlowDown",
  ),
  minBytesPerSecond: bytes(
    1_024,
    0,
    MIB,
    "Limits",
    "A body that arrives or leaves slower than this is cut; 0 never cuts",
  ),
  stallMs: milliseconds(30_000, 1_000, 3_600_000, "Limits", "Time over which that rate is counted"),
  maxBuckets: count(10_000, 1, 1_000_000, "Limits", "Buckets of all users"),
  maxBucketsPerUser: count(1_000, 1, 100_000, "Limits", "Buckets that a user may own"),
  maxReplicas: count(4, 0, 100, "Limits", "Replicas that may be registered to follow this store"),
  hashThreads: count(2, 0, 64, "Limits", "Threads that hash large bodies; 0 hashes in the main thread"),

  follow: z
    .string()
    .regex(/^(https:\/\/[^/?#@\s]+|http:\/\/(localhost|127\.\d+\.\d+\.\d+|\[::1\])(:\d+)?)?$/, {
      error:
        "write https://host:port of the source's listen; http:// only to this machine, since the token and users' secrets travel",
    })
    .default("")
    .meta({ placeholder: "https://host:port", group: "Replica" })
    .describe("Be a replica: keep a copy of the store there, answer reads from it and take no writes"),
  followToken: z
    .string()
    .default("")
    .meta({ secret: true, placeholder: "SECRET", group: "Replica" })
    .describe("Token that the source gave for this replica; by environment or file, since everybody sees arguments"),
  followTokenFile: text("FILE", "Replica", "File with that token"),
  followCa: text("FILE", "Replica", "Authorities that signed the source's certificate, PEM; empty takes the system's"),
  followPastDamage: z
    .boolean()
    .default(false)
    .meta({ group: "Replica" })
    .describe("Go on without records that are damaged at the source; an older version is then shown in their place"),

  accessLog: text("FILE", "Logs", "Write one JSON line for each request to this file; empty writes none"),
  auditLog: text(
    "FILE",
    "Logs",
    "Write changes of buckets, users and policies to this file; empty is audit.log in data",
  ),

  lifecycleIntervalMs: milliseconds(
    3_600_000,
    1_000,
    86_400_000,
    "Lifecycle",
    "How often rules are applied to objects that did not get their end when they were written",
  ),
  lifecycleKeysPerSecond: count(2_000, 1, 1_000_000, "Lifecycle", "Keys that such a run looks at each second"),

  maintenanceBytesPerSecond: bytes(
    32 * MIB,
    MIB,
    10_240 * MIB,
    "Maintenance",
    "What compaction, scrub and the like may read and write each second, all together",
  ),
  maintenanceTargetP99Ms: milliseconds(
    20,
    1,
    60_000,
    "Maintenance",
    "They slow down while the 99th percentile of clients' writes takes longer than this",
  ),
  scrubIntervalMs: milliseconds(
    30 * DAY_MS,
    60_000,
    365 * DAY_MS,
    "Maintenance",
    "How often each sealed volume is read to check its checksums",
  ),
  compactionDeadPercent: z
    .int()
    .min(25)
    .max(95)
    .default(50)
    .meta({ unit: "percent", group: "Maintenance" })
    .describe("A sealed volume is rewritten without what is dead when that is so much of it"),
});

export type ObjectsConfig = z.output<typeof configSchema>;
