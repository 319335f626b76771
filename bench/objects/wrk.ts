import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { runTool } from "@kagami/testkit";
import { cpuMs } from "../src/process-sample.ts";
import type { LocalPeer } from "./servers/peer.ts";

/** What wrk sends: every path in turn, all with the same method and body. */
export interface WrkLoad {
  readonly method: "GET" | "PUT";
  /** Path and query each, such as presigned URLs without their origin. */
  readonly paths: readonly string[];
  readonly body?: string;
  readonly connections: number;
  readonly seconds: number;
}

export interface WrkResult {
  readonly perSecond: number;
  /** Bytes received, with headers, in 10^6 a second. */
  readonly megabytesPerSecond: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  /** Answers that are no success, and connections that broke. */
  readonly errors: number;
  /** CPU time of the server for each request. */
  readonly cpuUs: number;
}

/**
 * wrk with one thread over a list of paths. It is written in C and costs a fraction of any server here, so it can tell
 * apart what a generator in Node could not.
 *
 * @throws Error if wrk says nothing that can be read.
 */
export async function runWrk(peer: LocalPeer, load: WrkLoad): Promise<WrkResult> {
  const directory = await mkdtemp(join(tmpdir(), "kagami-bench-wrk-"));
  try {
    await writeFile(join(directory, "paths.txt"), load.paths.join("\n"));
    await writeFile(join(directory, "body.bin"), load.body ?? "", "latin1");
    const script = join(directory, "load.lua");
    await writeFile(script, luaOf(load, directory));
    const before = usedMs(peer);
    const { stdout } = await runTool(
      "wrk",
      ["-t1", `-c${load.connections}`, `-d${load.seconds}s`, "--timeout", "60s", "-s", script, peer.endpoint],
      { mustSucceed: true, timeoutMs: (load.seconds + 90) * 1_000 },
    );
    return read(stdout, usedMs(peer) - before);
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}

function usedMs({ pids }: LocalPeer): number {
  return pids.reduce((sum, pid) => sum + cpuMs(pid), 0);
}

/**
 * Heads are made once, before the load begins, so that the generator's own cost is small and even; a body is appended to
 * its head when it is sent, since thousands of them would fill the script's memory.
 */
function luaOf({ method, body }: WrkLoad, directory: string): string {
  return `
local heads, body, next_one = {}, "", 0
function init(args)
  local file = io.open("${directory}/body.bin", "rb")
  body = file:read("*a")
  file:close()
  local port = wrk.port and (":" .. wrk.port) or ""
  local lines = " HTTP/1.1\\r\\nHost: " .. wrk.host .. port .. "\\r\\n${body === undefined ? "" : `Content-Length: ${body.length}\\r\\n`}\\r\\n"
  for path in io.lines("${directory}/paths.txt") do
    heads[#heads + 1] = "${method} " .. path .. lines
  end
end
function request()
  next_one = next_one % #heads + 1
  return heads[next_one] .. body
end
function done(summary, latency, requests)
  local e = summary.errors
  io.write(string.format('\\nRESULT {"requests":%d,"us":%d,"bytes":%.0f,"p50":%d,"p99":%d,"errors":%d}\\n',
    summary.requests, summary.duration, summary.bytes, latency:percentile(50), latency:percentile(99),
    e.status + e.connect + e.read + e.write + e.timeout))
end
`;
}

function read(stdout: string, cpu: number): WrkResult {
  const json = /^RESULT (\{.*\})$/m.exec(stdout)?.[1];
  if (json === undefined) throw new Error(`wrk said: ${stdout}`);
  const { requests, us, bytes, p50, p99, errors } = JSON.parse(json) as Record<string, number>;
  if (!requests || !us) throw new Error(`wrk sent nothing: ${stdout}`);
  return {
    perSecond: (requests * 1e6) / us,
    megabytesPerSecond: (bytes ?? 0) / us,
    p50Ms: (p50 ?? 0) / 1_000,
    p99Ms: (p99 ?? 0) / 1_000,
    errors: errors ?? 0,
    cpuUs: (cpu * 1_000) / requests,
  };
}
