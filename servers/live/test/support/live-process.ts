// A live server in a process of its own, for tests that kill it: `node live-process.ts <data directory>`.
import { createLogger } from "@kagami/kit";
import { configSchema } from "../../src/config.ts";
import { startLiveServer } from "../../src/server.ts";

const local = "127.0.0.1:0";
const data = process.argv[2] ?? "";
const config = configSchema.parse({ listen: local, rtmp: local, admin: "off", data, openPublish: true, record: "all" });
const server = await startLiveServer(config, createLogger({ format: "json" }));
process.stdout.write(`${JSON.stringify(server.addresses)}\n`);
