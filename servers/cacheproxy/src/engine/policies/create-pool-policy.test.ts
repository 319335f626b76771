import { seeds } from "@kagami/clock";
import { describe, expect, test } from "vitest";
import type { PoolOptions } from "../cluster.ts";
import type { MetaReply, MetaRequest } from "../meta.ts";
import { cluster, placement, pool } from "./testing/clusters.ts";
import { SimulatedClients } from "./testing/simulated-clients.ts";
import { SimulatedFleet } from "./testing/simulated-fleet.ts";

const HABITS = { get: 10, set: 3, delete: 1, add: 1, touch: 1, cas: 2, vivify: 0 };
const KEYS = Array.from({ length: 5 }, (_, index) => `key-${index}`);
const text = (value: string) => new TextEncoder().encode(value);
const shown = (reply: MetaReply) => ({ code: reply.code, text: reply.value && new TextDecoder().decode(reply.value) });

/** One worker with a pool of three servers, two more being another pool. */
function oneWorker(options: Partial<PoolOptions>, seed = 1, faults = { cut: 0, evict: 0 }) {
  const fleet = new SimulatedFleet(seed, 5, 1, faults);
  const pools = [pool("main", placement([0, 1, 2]), options), pool("other", placement([3, 4]))];
  const worker = fleet.workers[0];
  if (!worker) throw new Error("no worker");
  worker.apply(cluster(1, pools));
  const ask = (request: MetaRequest): MetaReply => {
    let answer: MetaReply | undefined;
    worker.request("main", request, (reply) => {
      answer = reply;
    });
    fleet.clock.advance(100);
    if (!answer) throw new Error("no answer");
    return answer;
  };
  return { fleet, worker, pools, ask };
}

test.each(seeds(3))(
  "hot keys: no read is older than a change that a worker which knows them has confirmed, seed %i",
  (seed) => {
    const { fleet, worker } = oneWorker({ hotKeys: { perSecond: 30, replicas: 3 } }, seed, { cut: 0, evict: 0.002 });
    const clients = new SimulatedClients(fleet, "main", KEYS, 12, HABITS, false);
    fleet.clock.advance(6_000);
    clients.stop();
    expect({ seed, faults: clients.faults.slice(0, 3) }).toEqual({ seed, faults: [] });
    const counts = worker.memoryOf("main").takeCounts("main", fleet.clock.wallMs());
    expect(counts.hotReads).toBeGreaterThan(500);
    expect(counts.topKeys.length).toBe(KEYS.length);
  },
);

test.each(seeds(3))("big values: pieces of one are never read with those of another, seed %i", (seed) => {
  const { fleet } = oneWorker({ bigValueBytes: 2 }, seed, { cut: 0.0005, evict: 0.003 });
  const clients = new SimulatedClients(fleet, "main", KEYS, 12, HABITS);
  fleet.clock.advance(800);
  clients.stop();
  expect({ seed, faults: clients.faults.slice(0, 3) }).toEqual({ seed, faults: [] });
  expect(clients.hits / clients.reads).toBeGreaterThan(0.3);
});

describe("big values", () => {
  const set = (value: string, flags: readonly string[] = []): MetaRequest => ({
    verb: "ms",
    key: text("k"),
    flags,
    value: text(value),
  });
  const get = (flags: readonly string[]): MetaRequest => ({ verb: "mg", key: text("k"), flags });

  test("what is longer than a piece comes back whole, with its flags, size and exptime", () => {
    const { ask, fleet } = oneWorker({ bigValueBytes: 10 });
    expect(ask(set("0123456789".repeat(7), ["T60", "F5"])).code).toBe("HD");
    const reply = ask(get(["s", "v", "f", "t"]));
    expect({ ...shown(reply), flags: reply.flags }).toEqual({
      code: "VA",
      text: "0123456789".repeat(7),
      flags: ["s70", "f5", "t60"],
    });
    expect(ask(get(["s", "f"])).flags).toEqual(["s70", "f5"]);
    expect(fleet.servers.reduce((sum, { itemCount }) => sum + itemCount, 0)).toBe(8);
  });

  test("a lost piece makes a miss, and the rest goes", () => {
    const { ask, fleet } = oneWorker({ bigValueBytes: 10 });
    ask(set("x".repeat(100)));
    fleet.servers.find((memcached) => memcached.itemCount > 0 && !memcached.valueOf(text("k")))?.flush();
    expect(shown(ask(get(["v"])))).toEqual({ code: "EN", text: undefined });
    expect(fleet.servers.map(({ itemCount }) => itemCount)).toEqual([0, 0, 0, 0, 0]);
  });

  test("append and prepend make a value big, and add to one that is", () => {
    const { ask } = oneWorker({ bigValueBytes: 10 });
    ask(set("12345678", ["F3"]));
    expect(ask(set("abc", ["MA"])).code).toBe("HD");
    expect(ask(set("<", ["MP"])).code).toBe("HD");
    const reply = ask(get(["v", "f"]));
    expect({ ...shown(reply), flags: reply.flags }).toEqual({ code: "VA", text: "<12345678abc", flags: ["f3"] });
  });

  test("an add to a key that exists stores nothing and leaves no pieces", () => {
    const { ask, fleet } = oneWorker({ bigValueBytes: 10 });
    ask(set("small"));
    expect(ask(set("y".repeat(50), ["ME"])).code).toBe("NS");
    expect(fleet.servers.reduce((sum, { itemCount }) => sum + itemCount, 0)).toBe(1);
    expect(shown(ask(get(["v"])))).toEqual({ code: "VA", text: "small" });
  });

  test("a client's value that looks like a manifest is still its value", () => {
    const { ask, fleet } = oneWorker({ bigValueBytes: 1_000 });
    const forged = Uint8Array.from(
      `\u00ffkagami pieces 1 ${"ab".repeat(16)} ${"7".padStart(10, "0")} ${"7".padStart(10, "0")}`,
      (character) => character.charCodeAt(0),
    );
    ask({ verb: "ms", key: text("k"), flags: [], value: forged });
    expect(ask(get(["v"])).value).toEqual(forged);
    expect(fleet.servers.reduce((sum, { itemCount }) => sum + itemCount, 0)).toBe(2);
  });

  test("a value of more pieces than one may have is refused", () => {
    const { ask } = oneWorker({ bigValueBytes: 10 });
    expect(ask(set("z".repeat(10_241))).message).toBe("object too large for cache");
  });
});

test("shadow: about its share of the keys is copied, and a dead shadow pool costs a count alone", () => {
  const { ask, fleet, worker } = oneWorker({ shadow: { pool: "other", fraction: 0.25 } });
  for (let i = 0; i < 1_000; i++) ask({ verb: "ms", key: text(`k${i}`), flags: [], value: text("v") });
  const copied = (fleet.servers[3]?.itemCount ?? 0) + (fleet.servers[4]?.itemCount ?? 0);
  expect(copied).toBeGreaterThan(200);
  expect(copied).toBeLessThan(300);
  fleet.setReachable(3, false);
  fleet.setReachable(4, false);
  for (let i = 0; i < 100; i++) {
    expect(ask({ verb: "mg", key: text(`k${i}`), flags: ["v"] }).code).toBe("VA");
  }
  const counts = worker.memoryOf("main").takeCounts("main", 0);
  expect(counts.shadowSent).toBeGreaterThanOrEqual(copied);
  expect(counts.shadowFailed).toBeGreaterThan(0);
  expect(worker.memoryOf("main").shadowInFlight).toBe(0);
});

describe("a pool whose server is out of use", () => {
  const key = text("some-key");
  const ejectAll = (stage: "down" | "fenced", hasGutter: boolean) => {
    const made = oneWorker(hasGutter ? { gutter: { pool: "other", ttlSec: 10 } } : {});
    const ejections = [0, 1, 2].map((index) => ({ pool: "main", server: `s${index}`, sinceMs: 5, stage }));
    made.worker.apply(cluster(2, made.pools, { ejections }));
    return made;
  };

  test.each([
    { request: { verb: "mg", key, flags: ["v"] }, code: "EN", why: "a read is a miss" },
    { request: { verb: "ms", key, flags: [], value: text("v") }, code: "NS", why: "a set is not stored, and no error" },
    { request: { verb: "ms", key, flags: ["C5"], value: text("v") }, code: "NF", why: "a cas finds nothing" },
    { request: { verb: "ma", key, flags: ["v"] }, code: "NF", why: "an incr finds nothing" },
    { request: { verb: "md", key, flags: [] }, code: "NF", why: "what is to be deleted will not come back" },
  ] as const)("without a gutter: $why", ({ request, code }) => {
    const { ask, fleet } = ejectAll("down", false);
    for (const index of [0, 1, 2]) fleet.setReachable(index, false);
    expect(ask(request).code).toBe(code);
  });

  test("with a gutter the values live there, no longer than its exptime", () => {
    const { ask } = ejectAll("down", true);
    ask({ verb: "ms", key, flags: ["T3600", "F2"], value: text("v") });
    expect(ask({ verb: "mg", key, flags: ["v", "t", "f"] }).flags).toEqual(["t10", "f2"]);
  });

  test("a key that the gutter's own would make too long has none", () => {
    const { ask } = ejectAll("down", true);
    const long = text("x".repeat(249));
    expect(ask({ verb: "ms", key: long, flags: [], value: text("v") }).code).toBe("NS");
  });

  test("while it is fenced a delete must reach it, for another proxy may still read there", () => {
    const { ask, fleet } = ejectAll("fenced", true);
    for (const memcached of fleet.servers) memcached.execute({ verb: "ms", key, flags: [], value: text("old") });
    expect(ask({ verb: "md", key, flags: [] }).code).toBe("HD");
    for (const index of [0, 1, 2]) fleet.setReachable(index, false);
    expect(ask({ verb: "md", key, flags: [] }).code).toBe("SERVER_ERROR");
  });
});

test("clients' keys that look like the proxy's own are refused where there may be such", () => {
  const { ask } = oneWorker({ gutter: { pool: "other", ttlSec: 10 } });
  expect(ask({ verb: "mg", key: Uint8Array.of(0xff, 0x67), flags: ["v"] }).code).toBe("CLIENT_ERROR");
});
