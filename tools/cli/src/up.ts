import { runPart } from "@kagami/kit";
import { z } from "zod";
import type { CommandContext } from "./commands.ts";
import { startPlatform } from "./platform.ts";

/** Where a store listens. */
function store(usual: string, who: string) {
  return z
    .string()
    .default("auto")
    .meta({ placeholder: "host:port|auto|off" })
    .describe(`Address and port for ${who}; auto is ${usual}, or any free port if that is taken`);
}

const upSchema = z.strictObject({
  listen: z
    .string()
    .default("127.0.0.1:8080")
    .meta({ placeholder: "host:port" })
    .describe("Address and port for the web pages and viewers"),
  rtmp: z
    .string()
    .default("127.0.0.1:1935")
    .meta({ placeholder: "host:port" })
    .describe("Address and port for publishers"),
  ranking: store("127.0.0.1:6379", "Redis clients of the ranking store"),
  objects: store("127.0.0.1:9000", "S3 clients of the object store"),
  data: z.string().default("data").meta({ placeholder: "DIR" }).describe("Directory for everything that is kept"),
  demo: z
    .boolean()
    .default(false)
    .describe("Publish a generated broadcast, and take any stream key as a channel's name (on loopback only)"),
  log: z.enum(["error", "warn", "info", "debug"]).default("info").describe("Least severe level that is written"),
});

/** The settings of `kagami up`. */
export type UpConfig = z.output<typeof upSchema>;

/** `kagami up`: the parts in a process each, ended together. */
export async function runUp({ argv, env }: CommandContext): Promise<void> {
  await runPart({
    part: "up",
    about: "Runs the live server and both stores on this machine, each in a process of its own",
    schema: upSchema,
    argv,
    env,
    start: startPlatform,
  });
}
