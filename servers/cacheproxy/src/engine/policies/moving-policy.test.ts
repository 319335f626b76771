import { createRandom, type Random, seeds } from "@kagami/clock";
import { SLOT_COUNT } from "@kagami/hashing";
import { expect, test } from "vitest";
import type { Move } from "../cluster.ts";
import type { MetaReply, MetaRequest } from "../meta.ts";
import { SETTLE_MS } from "./moving-policy.ts";
import { cluster, placement, pool } from "./testing/clusters.ts";
import { FakeMemcached } from "./testing/fake-memcached.ts";
import { SimulatedClients } from "./testing/simulated-clients.ts";
import { SimulatedFleet } from "./testing/simulated-fleet.ts";

const FROM = placement([0, 1]);
const TO = placement([2, 3]);
const KEYS = ["a", "b", "c", "d"];
const text = (value: string) => new TextEncoder().encode(value);

/** A pool of which all keys move from two servers to two others, asked by one client at a time. */
class Moving {
  readonly fleet: SimulatedFleet;
  #epoch = 0;

  constructor(seed: number) {
    this.fleet = new SimulatedFleet(seed, 4, 1);
    this.become(0, 0);
  }

  become(doneBelow: number, movingBelow: number): void {
    const move: Move = { pool: "main", from: FROM, to: TO, doneBelow, movingBelow, windowSinceMs: 0 };
    const state = cluster(++this.#epoch, [pool("main", FROM)], { moves: [move] });
    for (const worker of this.fleet.workers) worker.apply(state);
  }

  ask(request: MetaRequest): MetaReply {
    let answer: MetaReply | undefined;
    this.fleet.workers[0]?.request("main", request, (reply) => {
      answer = reply;
    });
    // Not a whole second: clocks of the two sides tell the same time.
    this.fleet.clock.advance(0);
    for (let i = 0; i < 200 && !answer; i++) this.fleet.clock.advance(1);
    if (!answer) throw new Error("no answer");
    return answer;
  }
}

function draw(random: Random): { request: MetaRequest; isCas: boolean } {
  const key = text(random.pick(KEYS));
  const some = (flags: readonly string[], chance = 0.4) => flags.filter(() => random.chance(chance));
  const ttl = random.pick(["0", "100000", "-1"]);
  switch (random.pick(["mg", "mg", "ms", "ms", "md", "ma"] as const)) {
    case "mg":
      return {
        request: { verb: "mg", key, flags: [...some(["v", "f", "s", "c"], 0.6), ...some([`T${ttl}`, "N100000"], 0.2)] },
        isCas: false,
      };
    case "ms": {
      const flags = [...some([`T${ttl}`, "F9", "c"]), ...some([random.pick(["ME", "MA", "MP", "MR"])], 0.6)];
      return {
        request: { verb: "ms", key, flags, value: text(random.pick(["1", "22", "x"])) },
        isCas: random.chance(0.3),
      };
    }
    case "md":
      return { request: { verb: "md", key, flags: [] }, isCas: random.chance(0.3) };
    case "ma":
      return {
        request: { verb: "ma", key, flags: [...some(["v", "c"], 0.6), ...some(["N100000", "D3", "MD"], 0.3)] },
        isCas: random.chance(0.2),
      };
    default:
      throw new Error("unreachable");
  }
}

/** Cas numbers are each server's own; that an item waits for its recacher is forgotten by some copies. */
function comparable(reply: MetaReply): unknown {
  const flags = reply.flags.filter((flag) => flag !== "Z").map((flag) => (/^c[1-9]/.test(flag) ? "c" : flag));
  return {
    code: reply.code,
    flags,
    value: reply.value && new TextDecoder().decode(reply.value),
    message: reply.message,
  };
}

const casOf = (reply: MetaReply) => reply.flags.find((flag) => flag.startsWith("c"))?.slice(1) ?? "999999";

test.each(seeds(30))(
  "one client after the other is answered as by a single memcached, whatever the phase, seed %i",
  (seed) => {
    const random = createRandom(seed);
    const moving = new Moving(seed);
    const single = new FakeMemcached(() => Math.floor(moving.fleet.clock.wallMs() / 1000));
    const history: string[] = [];
    const phases = [
      () => moving.become(0, SLOT_COUNT),
      () => moving.become(SLOT_COUNT, SLOT_COUNT),
      () => moving.fleet.clock.advance(SETTLE_MS / 2),
      () => moving.fleet.clock.advance(SETTLE_MS / 2),
    ];
    for (let i = 0; i < 500; i++) {
      if (i % 100 === 99) phases[(i - 99) / 100]?.();
      // What only the old owner has counts as absent for some requests from here on; so let it have nothing.
      if (i === 299) for (const key of KEYS) for (const side of [moving, single]) clear(side, text(key));
      const { request, isCas } = draw(random);
      const probe: MetaRequest = { verb: "mg", key: request.key, flags: ["c"] };
      const withCas = (cas: string): MetaRequest =>
        isCas ? { ...request, flags: [...request.flags, `C${cas}`] } : request;
      const actual = moving.ask(withCas(isCas ? casOf(moving.ask(probe)) : ""));
      const expected = single.execute(withCas(isCas ? casOf(single.execute(probe)) : ""));
      history.push(
        `${request.verb} ${new TextDecoder().decode(request.key)} ${request.flags.join(" ")}${isCas ? " cas" : ""}`,
      );
      expect(comparable(actual), `seed ${seed}, request ${i}: ${history.slice(-6).join(" | ")}`).toEqual(
        comparable(expected),
      );
    }
  },
);

function clear(side: Moving | FakeMemcached, key: Uint8Array): void {
  const request: MetaRequest = { verb: "md", key, flags: [] };
  if (side instanceof FakeMemcached) side.execute(request);
  else side.ask(request);
}

test("a copy has the client flags and the remaining exptime of the original, and its own cas number", () => {
  const moving = new Moving(1);
  moving.ask({ verb: "ms", key: text("k"), flags: ["T100", "F77"], value: text("v") });
  moving.fleet.clock.advance(30_000);
  moving.become(0, SLOT_COUNT);
  const first = moving.ask({ verb: "mg", key: text("k"), flags: ["t", "f", "c", "v"] });
  const again = moving.ask({ verb: "mg", key: text("k"), flags: ["t", "f", "c", "v"] });
  expect(first.flags.slice(0, 2)).toEqual(["t70", "f77"]);
  expect(again).toEqual(first);
  expect(moving.ask({ verb: "ms", key: text("k"), flags: [`C${casOf(first)}`], value: text("w") }).code).toBe("HD");
});

test("whoever was told to recache at the old owner stays the only one", () => {
  const moving = new Moving(2);
  const ask = () => moving.ask({ verb: "mg", key: text("k"), flags: ["v", "N60"] }).flags;
  expect(ask()).toEqual(["W"]);
  moving.become(0, SLOT_COUNT);
  expect([ask(), ask()]).toEqual([["Z"], ["Z"]]);
});

test.each(seeds(10))("vivified items and leases do not mix, seed %i", (seed) => {
  const fleet = new SimulatedFleet(seed, 4, 3);
  const move: Move = { pool: "main", from: FROM, to: TO, doneBelow: 0, movingBelow: SLOT_COUNT, windowSinceMs: 0 };
  for (const worker of fleet.workers) worker.apply(cluster(1, [pool("main", FROM)], { moves: [move] }));
  const habits = { get: 6, set: 2, delete: 2, add: 2, touch: 2, cas: 1, vivify: 4 };
  const clients = new SimulatedClients(fleet, "main", KEYS, 10, habits);
  fleet.clock.advance(300);
  clients.stop();
  expect({ seed, faults: clients.faults.slice(0, 3) }).toEqual({ seed, faults: [] });
});

test.each(seeds(20))("appends of many clients are neither lost nor mixed with leases, seed %i", (seed) => {
  const fleet = new SimulatedFleet(seed, 4, 3);
  const move: Move = { pool: "main", from: FROM, to: TO, doneBelow: 0, movingBelow: 0, windowSinceMs: 0 };
  const apply = (epoch: number, movingBelow: number): void => {
    const state = cluster(epoch, [pool("main", FROM)], { moves: [{ ...move, movingBelow }] });
    for (const worker of fleet.workers) worker.apply(state);
  };
  apply(1, 0);
  const key = text("list");
  fleet.workers[0]?.request("main", { verb: "ms", key, flags: [], value: text("") }, () => undefined);
  fleet.clock.advance(20);
  apply(2, SLOT_COUNT);
  const confirmed: string[] = [];
  let failed = 0;
  for (let i = 0; i < 60; i++) {
    const worker = fleet.workers[i % 3];
    const piece = `<${i}>`;
    fleet.clock.after(i * 0.4, () => {
      worker?.request("main", { verb: "ms", key, flags: ["MA"], value: text(piece) }, (reply) => {
        if (reply.code === "HD") confirmed.push(piece);
        else failed++;
      });
    });
  }
  fleet.clock.advance(500);
  let value = "";
  fleet.workers[1]?.request("main", { verb: "mg", key, flags: ["v"] }, (reply) => {
    value = new TextDecoder().decode(reply.value);
  });
  fleet.clock.advance(50);
  expect(value.match(/<\d+>/g)?.sort()).toEqual([...confirmed].sort());
  expect(value.replace(/<\d+>/g, "")).toBe("");
  expect(confirmed.length + failed).toBe(60);
});
