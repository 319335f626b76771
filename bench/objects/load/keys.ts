import type { Random } from "@kagami/clock";

/** Which of the objects that are there a request asks for: an index from 0 to `count - 1`. */
export type KeyChooser = (random: Random) => number;

/**
 * Reads `uniform`, `sequential`, `latest` (of 20 keys, 19 from the youngest tenth) or `zipf:1.1` (few keys get most of the
 * requests; popularity falls with rank to that power).
 *
 * @returns What is wrong, as text, if it is none of them.
 */
export function parseKeyChooser(text: string, count: number): KeyChooser | string {
  const [name, exponentText] = text.split(":");
  if (name === "zipf") {
    const exponent = Number(exponentText ?? 1.1);
    if (exponent > 0 && exponent <= 5) return zipf(count, exponent);
    return `The exponent of "${text}" must be above 0 and at most 5`;
  }
  if (exponentText === undefined) {
    if (name === "uniform") return (random) => random.int(0, count - 1);
    if (name === "sequential") return sequential(count);
    if (name === "latest") return (random) => latest(random, count);
  }
  return `There is no key distribution "${text}". Choose from: uniform, sequential, latest, zipf:EXPONENT`;
}

function sequential(count: number): KeyChooser {
  let next = 0;
  return () => next++ % count;
}

const YOUNG_SHARE = 0.95;

function latest(random: Random, count: number): number {
  const young = Math.max(1, Math.floor(count / 10));
  return random.float() < YOUNG_SHARE ? count - 1 - random.int(0, young - 1) : random.int(0, count - 1);
}

/**
 * Popularity of the i-th is 1 / (i + 1)^exponent. The inverse of the integral of that gives a rank in constant time; it is
 * off by a little for the first ranks, which does not matter to a load. Ranks are scattered over the keys, so that popular
 * keys are no neighbours.
 */
function zipf(count: number, exponent: number): KeyChooser {
  const scatter = scatterStep(count);
  const power = 1 - exponent;
  const isHarmonic = Math.abs(power) < 1e-9;
  const whole = isHarmonic ? Math.log(count + 1) : ((count + 1) ** power - 1) / power;
  return (random) => {
    const share = random.float() * whole;
    const rank = isHarmonic ? Math.exp(share) : (share * power + 1) ** (1 / power);
    const index = Math.min(count - 1, Math.max(0, Math.floor(rank) - 1));
    return Number((BigInt(index) * BigInt(scatter)) % BigInt(count));
  };
}

/** A step without a common divisor with the count: multiples of it visit every key once. */
function scatterStep(count: number): number {
  const divisor = (a: number, b: number): number => (b === 0 ? a : divisor(b, a % b));
  let step = Math.max(1, Math.floor(count * 0.618_033_988_75));
  while (divisor(step, count) !== 1) step++;
  return step;
}
