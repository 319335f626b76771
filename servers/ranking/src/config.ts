import { addressSetting, baseConfigShape } from "@kagami/kit";
import { z } from "zod";

const MIB = 1 << 20;

type Group = "Durability" | "Limits" | "Access" | "TLS" | "Operation";

const count = (initial: number, min: number, max: number, group: Group, what: string) =>
  z.int().min(min).max(max).default(initial).meta({ group }).describe(what);

const bytes = (initial: number, min: number, max: number, group: Group, what: string) =>
  z.int().min(min).max(max).default(initial).meta({ unit: "bytes", group }).describe(what);

const file = (group: Group, what: string) => z.string().default("").meta({ placeholder: "FILE", group }).describe(what);

/** The only list of the ranking store's settings. */
export const configSchema = z.strictObject({
  ...baseConfigShape,
  listen: addressSetting().default("127.0.0.1:6379").describe("Address and port for Redis clients"),
  admin: baseConfigShape.admin.describe(
    "Address of the live page, its API, /healthz, /readyz and /metrics, or off; the last three ask for no credentials",
  ),
  data: baseConfigShape.data.default("data/ranking"),

  persistence: z
    .enum(["log", "none"])
    .default("log")
    .meta({ group: "Durability" })
    .describe("Keep a log and snapshots in the data directory, or nothing at all"),
  fsync: z
    .enum(["always", "everysec", "no"])
    .default("everysec")
    .meta({ group: "Durability" })
    .describe("When the log is synced: before each reply (many share a sync), every second, or when the system likes"),
  compactBytes: bytes(
    256 * MIB,
    MIB,
    1_024 * 1_024 * MIB,
    "Durability",
    "Size of the log at which the next snapshot is made in the background",
  ),
  repair: z
    .boolean()
    .default(false)
    .meta({ group: "Durability" })
    .describe("Cut a damaged log where the damage begins (what is cut is kept beside it) instead of refusing to start"),

  password: z
    .string()
    .default("")
    .meta({ secret: true, placeholder: "SECRET", group: "Access" })
    .describe("Password of the default user, as Redis's requirepass"),
  openAccess: z
    .boolean()
    .default(false)
    .meta({ group: "Access" })
    .describe("Let others than this machine connect though the default user has no password"),
  aclFile: file("Access", "Users and their rights, as Redis's aclfile"),

  tlsListen: z
    .union([z.literal("off"), addressSetting()])
    .default("off")
    .meta({ placeholder: "host:port|off", group: "TLS" })
    .describe("Address for clients over TLS; needs tlsCert and tlsKey"),
  tlsCert: file("TLS", "Certificate chain, PEM"),
  tlsKey: file("TLS", "Private key of the certificate, PEM"),
  tlsClientCa: file("TLS", "Clients must show a certificate of these authorities, PEM; empty asks for none"),

  adminToken: z
    .string()
    .default("")
    .meta({ secret: true, placeholder: "SECRET", group: "Operation" })
    .describe("Asked for by the page and API at admin as Authorization: Bearer; needed unless admin is on loopback"),

  maxClients: count(10_000, 1, 100_000, "Limits", "Client connections at once"),
  maxMemoryBytes: bytes(
    0,
    0,
    32 * 1_024 * MIB,
    "Limits",
    "Memory of the data beyond which writes are refused or keys evicted; 0 is no limit",
  ),
  maxBulkBytes: bytes(512 * MIB, 1_024, 512 * MIB, "Limits", "Largest argument"),
  maxOutputBytes: bytes(
    256 * MIB,
    65_536,
    4_096 * MIB,
    "Limits",
    "Replies that a client does not fetch beyond which it is cut off",
  ),
  maxRequestBytes: bytes(1_024 * MIB, 65_536, 2_047 * MIB, "Limits", "Longest request with all its arguments"),
});

export type RankingConfig = z.output<typeof configSchema>;
