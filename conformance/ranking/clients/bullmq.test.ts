import { readdir, readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { startServer } from "@kagami/ranking/testing";
import { Queue, Worker } from "bullmq";
import { Redis } from "ioredis";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";

/**
 * What BullMQ lacks here. XADD and XTRIM write the events of every queue; the others only serve its relay.
 * Its classes themselves also call XREAD, XADD and XTRIM.
 */
const STREAM_COMMANDS = ["XADD", "XDEL", "XLEN", "XRANGE", "XREAD", "XTRIM"];

let server: Awaited<ReturnType<typeof startServer>>;
let connection: Redis;
let queue: Queue;

beforeAll(async () => {
  server = await startServer();
  connection = new Redis(`redis://${server.address}`, { maxRetriesPerRequest: null });
  queue = new Queue("jobs", { connection });
});
afterAll(async () => {
  await queue?.close();
  connection?.disconnect();
  await server.close(0);
});
beforeEach(async () => {
  await connection.flushall();
});

/** The Redis commands that BullMQ's scripts call, each with the scripts that call it. */
async function calledCommands(): Promise<Map<string, string[]>> {
  const main = createRequire(import.meta.url).resolve("bullmq");
  const directory = join(dirname(main), "scripts");
  const called = new Map<string, string[]>();
  for (const file of await readdir(directory)) {
    if (!file.endsWith(".js")) continue;
    const text = await readFile(join(directory, file), "utf8");
    for (const [, name] of text.matchAll(/\b(?:rcall|redis\.p?call)\(\s*["']([A-Za-z]+)["']/g)) {
      const upper = (name as string).toUpperCase();
      called.set(upper, [...(called.get(upper) ?? []), file]);
    }
  }
  return called;
}

describe("BullMQ, whose events are a stream", () => {
  test("calls no command that the store lacks but those of streams", async () => {
    const called = [...(await calledCommands()).keys()].sort();
    expect(called.length).toBeGreaterThan(40);
    const known = (await connection.command("INFO", ...called)) as unknown[];
    expect(called.filter((_, i) => known[i] === null)).toEqual(STREAM_COMMANDS);
  });

  test("keeps a queue's settings and counts, which need no stream", async () => {
    await queue.setGlobalConcurrency(3);
    expect(await queue.getGlobalConcurrency()).toBe(3);
    await queue.setGlobalRateLimit(10, 1_000);
    expect(await queue.getGlobalRateLimit()).toEqual({ max: 10, duration: 1_000 });
    expect(await queue.getJobCounts("waiting", "delayed")).toEqual({ waiting: 0, delayed: 0 });
    expect(await queue.getJobs()).toEqual([]);
    expect(await queue.isPaused()).toBe(false);
    await queue.removeGlobalConcurrency();
    expect(await queue.getGlobalConcurrency()).toBeNull();
  });

  const REFUSED = [
    { does: "adds a job", run: () => queue.add("job", {}) },
    { does: "adds a delayed job", run: () => queue.add("job", {}, { delay: 1_000 }) },
    { does: "adds a job with a priority", run: () => queue.add("job", {}, { priority: 1 }) },
    { does: "pauses", run: () => queue.pause() },
  ];

  test.each(REFUSED)("is told which script meets an unknown command when it $does", async ({ run }) => {
    await expect(run()).rejects.toThrow(/^ERR Unknown Redis command called from script script: [0-9a-f]{40}/);
    expect(await connection.ping()).toBe("PONG");
  });

  test("cannot start a worker: taking the next job makes an event", async () => {
    const worker = new Worker("jobs", async () => undefined, { connection });
    try {
      const error = await new Promise<Error>((resolve) => worker.on("error", resolve));
      expect(error.message).toMatch(/^ERR Unknown Redis command called from script/);
    } finally {
      await worker.close(true);
    }
  });
});
