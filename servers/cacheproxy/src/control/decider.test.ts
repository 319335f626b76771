import { FakeClock } from "@kagami/clock";
import { createLogger } from "@kagami/kit";
import { expect, test } from "vitest";
import type { DesiredCluster } from "../engine/cluster-desired.ts";
import { type AgreedState, EMPTY_STATE } from "../engine/cluster-state.ts";
import type { MemberReport } from "./agreement.ts";
import { Decider, type DeciderOptions } from "./decider.ts";
import { LocalAgreement } from "./local-agreement.ts";

const TICK_MS = 500;
const servers = ["a", "b"].map((name) => ({ name, host: name, port: 1, weight: 1, tls: false }));
const DESIRED: DesiredCluster = {
  pools: [
    {
      name: "main",
      placement: { kind: "slots", servers },
      options: { timeoutMs: 500, failureLimit: 3, recoveryLimit: 3 },
      move: false,
      service: undefined,
    },
  ],
  routes: [{ prefix: "", pool: "main" }],
};

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

/** A decider over an agreement whose writes end when the test says so. */
function startDecider(others: MemberReport[] = []) {
  const clock = new FakeClock();
  const writes: (() => void)[] = [];
  const agreement = new LocalAgreement(EMPTY_STATE, () => new Promise((resolve) => writes.push(() => resolve())));
  const readOthers = { count: 0, error: undefined as Error | undefined };
  agreement.readOthers = async () => {
    readOthers.count++;
    if (readOthers.error) throw readOthers.error;
    return others;
  };
  const votes: Record<string, "up" | "down"> = {};
  const log: string[] = [];
  const decider = new Decider({
    clock,
    log: createLogger({ sink: { write: (line: string) => void log.push(line), flush: async () => undefined } }),
    agreement,
    source: { desired: DESIRED } as DeciderOptions["source"],
    prober: {} as DeciderOptions["prober"],
    ejectionShare: 0.5,
    settleMs: 1_000,
    tickMs: TICK_MS,
    stepMove: (move) => move,
    sweep: async () => ({ keyCount: 0, removedCount: 0 }),
    report: () => ({ id: "me", appliedEpoch: agreement.state.cluster.epoch, votes, moveReads: {} }),
  });
  agreement.onChange(() => decider.wake());
  /** Lets what is to be done at once be done, and the writes that come of it. */
  const settle = async (): Promise<void> => {
    for (let i = 0; i < 10; i++) {
      clock.advance(0);
      await turn();
      for (const write of writes.splice(0)) write();
    }
  };
  const stages = (): string[] => agreement.state.ejected.map(({ stage }) => stage);
  return { clock, agreement, decider, votes, settle, writes, stages, log, readOthers };
}

test("what changes during a decision is decided about right after it, not a tick later", async () => {
  const { clock, decider, votes, settle, writes, stages } = startDecider();
  decider.start();
  clock.advance(0);
  await turn();
  expect(writes).toHaveLength(1);
  // A vote, while the first state is being written.
  votes["a:1"] = "down";
  decider.wake();
  await settle();
  // And the fence is over as soon as everybody knows it: its own writing was a decision under way as well.
  expect(stages()).toEqual(["down"]);
  expect(clock.monotonicMs()).toBe(0);
  decider.close();
});

test("the others are asked for before each decision, and one that has just joined is waited for", async () => {
  const others: MemberReport[] = [];
  const { clock, decider, votes, settle, stages, agreement } = startDecider(others);
  decider.start();
  await settle();
  others.push({ id: "new", appliedEpoch: agreement.state.cluster.epoch, votes: { "a:1": "down" }, moveReads: {} });
  votes["a:1"] = "down";
  decider.wake();
  await settle();
  expect(stages()).toEqual(["fencing"]);
  clock.advance(TICK_MS);
  await settle();
  expect(stages()).toEqual(["fencing"]);
  others[0] = { ...(others[0] as MemberReport), appliedEpoch: agreement.state.cluster.epoch };
  clock.advance(TICK_MS);
  await settle();
  expect(stages()).toEqual(["down"]);
  decider.close();
});

test("a decision that fails is tried again with the next tick, not at once, and told of once", async () => {
  const { clock, decider, settle, readOthers, log, agreement } = startDecider();
  readOthers.error = new Error("nobody answers");
  decider.start();
  await settle();
  decider.wake();
  await settle();
  const asked = readOthers.count;
  expect(asked).toBeLessThanOrEqual(2);
  clock.advance(TICK_MS);
  await settle();
  expect(readOthers.count).toBe(asked + 1);
  expect(log.filter((line) => line.includes("decision.failed"))).toHaveLength(1);
  readOthers.error = undefined;
  clock.advance(TICK_MS);
  await settle();
  const state: AgreedState = agreement.state;
  expect(state.cluster.epoch).toBe(1);
  decider.close();
});
