import { z } from "zod";
import { addressSetting } from "../address.ts";

/**
 * The settings every part has. Spread it into the part's `z.strictObject` and override `listen` (and `data`) with the
 * part's own default.
 */
export const baseConfigShape = {
  listen: addressSetting()
    .default("127.0.0.1:0")
    .describe("Address and port to serve at; port 0 picks a free one and the ready line tells it"),
  admin: z
    .union([z.literal("off"), addressSetting()])
    .default("127.0.0.1:0")
    .meta({ placeholder: "host:port|off", group: "Operation" })
    .describe("Address of /healthz, /readyz and /metrics, or off; they ask for no credentials, so keep it private"),
  data: z
    .string()
    .min(1)
    .default("data")
    .meta({ placeholder: "DIR", group: "Operation" })
    .describe("Directory for everything that must outlive a restart"),
  log: z
    .enum(["error", "warn", "info", "debug"])
    .default("info")
    .meta({ group: "Operation" })
    .describe("Least severe level that is written"),
  logFormat: z
    .enum(["auto", "json", "pretty"])
    .default("auto")
    .meta({ group: "Operation" })
    .describe("Log as JSON lines or for people; auto is pretty on a terminal"),
  shutdownGraceMs: z
    .int()
    .min(0)
    .max(600_000)
    .default(10_000)
    .meta({ unit: "ms", group: "Operation" })
    .describe("Time for connections to end after SIGTERM before they are cut"),
};
