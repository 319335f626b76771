import { createRandom, seeds } from "@kagami/clock";
import { expect, test } from "vitest";
import type { FailurePolicy, GateEffect } from "./gate-types.ts";
import { GateWorld } from "./gate-world.ts";
import { readShown, type Shown } from "./gate-world-filter.ts";

/** Checks each effect as it happens against what the gate promises. */
class Witness {
  readonly #world: GateWorld;
  readonly #policies: Set<FailurePolicy>;
  readonly count = { video: 0, audio: 0, lost: 0, bypassed: 0 };
  readonly problems: string[] = [];
  /** Pictures that came while the filter was on. */
  readonly protectedIds = new Set<number>();
  #isFailed = false;
  readonly #lastDtsUs = { video: -1, audio: -1 };
  #last: Shown | undefined;
  #isKeyDue = true;
  #hasTracks: boolean;
  /** When viewers got anything; sound that came before that waits for the filter to start. */
  #firstAtMs = Number.POSITIVE_INFINITY;

  constructor(world: GateWorld, policies: Set<FailurePolicy>) {
    this.#hasTracks = world.gate.output !== undefined;
    this.#world = world;
    this.#policies = policies;
    world.onEffect = (effect) => this.#onEffect(effect);
  }

  #onEffect(effect: GateEffect): void {
    if (effect.kind === "failed") this.#isFailed = true;
    if (effect.kind === "recovered") this.#isFailed = false;
    if (effect.kind === "bypassed") {
      this.count.bypassed++;
      this.#check(this.#isFailed && this.#policies.has("pass"), "bypassed without a failure or against the policy");
    }
    if (effect.kind === "lost") {
      this.count.lost++;
      this.#isKeyDue ||= effect.reason !== "dropped";
    }
    if (effect.kind === "tracks") {
      this.#isKeyDue = true;
      this.#hasTracks = true;
    }
    if (effect.kind === "sample") this.#onSample(effect);
  }

  #onSample({ sample, isReplaced, waitedMs }: Extract<GateEffect, { kind: "sample" }>): void {
    const shown = readShown(sample.data);
    this.#check(this.#hasTracks, "a sample without tracks");
    this.#check(sample.dtsUs > this.#lastDtsUs[sample.kind], `${sample.kind} ${shown.id} goes back in time`);
    this.#lastDtsUs[sample.kind] = sample.dtsUs;
    this.count[sample.kind]++;
    this.#firstAtMs = Math.min(this.#firstAtMs, this.#world.nowMs);
    if (sample.kind === "audio") {
      const { startLimitMs, budgetMs } = this.#world.limits;
      const limitMs = this.#world.nowMs - waitedMs <= this.#firstAtMs ? 2 * startLimitMs : budgetMs;
      this.#check(waitedMs <= limitMs + 1, `sound waited ${waitedMs} ms`);
      return;
    }
    this.#check(isReplaced === shown.isReplaced, "bytes of another picture");
    this.#check(sample.ptsUs >= sample.dtsUs, "shown before it is decoded");
    if (isReplaced) this.#check(this.#world.filter.replacedIds.has(shown.id), `picture ${shown.id} from nowhere`);
    else this.#onOriginal(shown.id);
    if (sample.isKey) this.#isKeyDue = false;
    else this.#check(!this.#isKeyDue && this.#continues(shown), `picture ${shown.id} cannot be decoded`);
    this.#last = shown;
  }

  #onOriginal(id: number): void {
    const isFree = !this.protectedIds.has(id) || (this.#policies.has("pass") && this.count.bypassed > 0);
    this.#check(isFree || this.#world.filter.passedIds.has(id), `picture ${id} was not answered`);
  }

  /** Whether a decoder that had the last picture can decode this one. */
  #continues(shown: Shown): boolean {
    const last = this.#last;
    if (!last || last.isReplaced !== shown.isReplaced) return false;
    return shown.isReplaced ? last.run === shown.run : last.id + 1 === shown.id;
  }

  #check(isTrue: boolean, problem: string): void {
    if (!isTrue && this.problems.length < 5) this.problems.push(`${problem} at ${this.#world.nowMs} ms`);
  }
}

const NO_FAULTS = { die: 0, hang: 0, slow: 0, drop: 0 };

function simulate(seed: number): void {
  const random = createRandom(seed);
  const policy = random.pick<FailurePolicy>(["cover", "pause", "pass"]);
  const hasReordering = random.chance(0.4);
  const scale = random.pick([0, 1, 1, 4]);
  const world = new GateWorld({
    seed,
    policy,
    hasReordering,
    isMidway: random.chance(0.3),
    faults: { die: 0.004 * scale, hang: 0.002 * scale, slow: 0.002 * scale, drop: 0.002 * scale },
    hides: random.pick([0, 0.02, 0.2]),
    maxRestartMs: random.pick([1, 300, 2_000]),
    maxDelayMs: random.pick([2, 20, 60]),
  });
  const policies = new Set([policy]);
  const witness = new Witness(world, policies);
  witness.protectedIds.clear();
  let isOn = true;
  const push = world.gate.push.bind(world.gate);
  // Every picture behind the first key frame is one that must be protected, while the filter is on.
  world.gate.push = (input, nowMs) => {
    if (input.kind === "sample" && input.sample.kind === "video" && isOn && world.keyIds.size > 0) {
      witness.protectedIds.add(readShown(input.sample.data).id);
    }
    return push(input, nowMs);
  };
  for (let step = 0; step < 5; step++) {
    world.play(random.int(100, 3_000));
    const act = random.int(0, 9);
    if (act === 0) world.changeConfig();
    if (act === 1) {
      world.take(world.gate.onPause(world.nowMs));
      world.rest(random.int(0, 2_000));
      world.restartGroup();
    }
    if (act === 2) world.restartGroup();
    if (act === 3) {
      const next = random.pick<FailurePolicy>(["cover", "pause", "pass"]);
      policies.add(next);
      world.gate.policy = next;
    }
    if (act === 4) {
      isOn = false;
      world.take(world.gate.setEnabled(false, world.nowMs));
      world.play(random.int(10, 2_500));
      world.take(world.gate.setEnabled(true, world.nowMs));
      // It takes effect at a key frame, which comes now.
      world.restartGroup();
      isOn = true;
    }
  }
  world.filter.faults = NO_FAULTS;
  world.play(6_500);
  const before = witness.count.video;
  world.play(2_000);
  expect(witness.count.video - before, `pictures flow again, seed ${seed}`).toBeGreaterThan(44);
  expect(world.gate.isFailed, `seed ${seed}`).toBe(false);
  world.end();
  expect(witness.problems, `seed ${seed}`).toEqual([]);
  expect(witness.count.video + witness.count.lost, `every picture accounted for, seed ${seed}`).toBe(
    world.pushed.video,
  );
  expect(witness.count.audio, `no sound is lost, seed ${seed}`).toBe(world.pushed.audio);
  expect(world.peakHeldBytes, `seed ${seed}`).toBeLessThan(20_000);
  expect(world.gate.heldBytes).toBe(0);
}

const SEEDS_A_TEST = 50;

test.each(seeds(10, 0))("whatever the filter does, the gate keeps its promises: part %i of the seeds", (part) => {
  for (const seed of seeds(SEEDS_A_TEST, part * SEEDS_A_TEST + 1)) simulate(seed);
});
