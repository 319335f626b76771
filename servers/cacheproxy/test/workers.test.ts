import { createLogger } from "@kagami/kit";
import { eventually, type Reference, startMemcached } from "@kagami/testkit";
import { afterAll, afterEach, beforeAll, expect, test } from "vitest";
import { configSchema } from "../src/config.ts";
import type { Cluster } from "../src/engine/cluster.ts";
import { Workers } from "../src/workers.ts";

let memcached: Reference;
let workers: Workers | undefined;

beforeAll(async () => {
  memcached = await startMemcached();
});
afterAll(() => memcached.stop());
afterEach(() => workers?.close(0));

test("a worker that takes a dead one's place acts by the state that came while it started", async () => {
  const config = configSchema.parse({ listen: "127.0.0.1:0", servers: [`127.0.0.1:${memcached.port}`] });
  const server = { name: "a", host: "127.0.0.1", port: memcached.port, weight: 1, tls: false };
  const options = { timeoutMs: 500, failureLimit: 3, recoveryLimit: 3 };
  const pool = { name: "main", placement: { kind: "slots" as const, servers: [server] }, options };
  const routes = [{ prefix: "", pool: "main" }];
  const first: Cluster = { epoch: 1, config: { pools: [pool], routes }, ejections: [], moves: [] };
  const next: Cluster = { ...first, epoch: first.epoch + 1 };
  const starting: [number, number][] = [];
  const gone: number[] = [];
  const epochs = new Map<number, number>();
  workers = new Workers({
    count: 1,
    settings: config,
    cluster: first,
    logLevel: "error",
    log: createLogger({ sink: { write: () => undefined, flush: async () => undefined }, level: "error" }),
    onStarting: (workerId, epoch) => void starting.push([workerId, epoch]),
    onReport: ({ workerId, epoch }) => void epochs.set(workerId, epoch),
    onGone: (workerId) => void gone.push(workerId),
  });
  await workers.start();
  const [pid] = workers.pids;
  process.kill(pid as number, "SIGKILL");
  await eventually(() => workers?.pids.length === 1 && workers.pids[0] !== pid);
  // It has been told to start by the first state, and cannot have done so yet.
  workers.apply(next);
  await eventually(() => epochs.get(2) === next.epoch, { timeoutMs: 10_000 });
  expect(starting).toEqual([
    [1, first.epoch],
    [2, first.epoch],
  ]);
  expect(gone).toEqual([1]);
});
