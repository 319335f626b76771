import { isSame } from "./compare.ts";
import { type Address, type Answer, play } from "./player.ts";
import { shrink } from "./shrink.ts";
import { stateDifference } from "./state.ts";
import { type Family, type Step, toLines } from "./step.ts";
import { Vocabulary } from "./vocabulary.ts";

export interface DifferentialOptions {
  readonly ours: Address;
  readonly theirs: Address;
  readonly families: readonly Family[];
  readonly seed: number;
  /** About how many commands in all. */
  readonly commandCount: number;
  /** Steps from one empty state to the comparison of the whole states; 250 if absent. */
  readonly roundSteps?: number;
  readonly onProgress?: (commandsDone: number, differences: number) => void;
  /** Stops after this many; 1 if absent. */
  readonly differenceLimit?: number;
}

/** What two servers said differently, and the shortest way there that was found. */
export interface Difference {
  readonly roundSeed: number;
  readonly protocol: 2 | 3;
  readonly family: string;
  readonly steps: readonly Step[];
  /** What differs at the last step or in the states after it. */
  readonly text: string;
}

export interface DifferentialResult {
  readonly commandCount: number;
  readonly differences: readonly Difference[];
}

const ROUND_STEPS = 250;

/**
 * Sends the same generated commands to two servers and compares every reply and, after each round, the whole states.
 * Rounds begin with FLUSHALL on new connections, in RESP2 and RESP3 in turn, so that a difference is found again from
 * its round alone; it is then shrunk. Every second round keeps to one family, the others mix them.
 */
export async function compareServers(options: DifferentialOptions): Promise<DifferentialResult> {
  const { ours, theirs, families, roundSteps = ROUND_STEPS, differenceLimit = 1 } = options;
  const differences: Difference[] = [];
  let commandCount = 0;
  for (let round = 0; commandCount < options.commandCount && differences.length < differenceLimit; round++) {
    const roundSeed = (Math.imul(options.seed, 0x9e37_79b1) + round) >>> 0;
    const protocol = round % 4 < 2 ? 2 : 3;
    const family = round % 2 === 0 ? families[(round >> 1) % families.length] : undefined;
    const steps = generate(family === undefined ? families : [family], roundSeed, roundSteps);
    commandCount += steps.reduce((sum, step) => sum + (step.kind === "property" ? step.commands.length : 1), 0);
    const find = (tried: readonly Step[]) => findDifference(ours, theirs, tried, protocol);
    const found = await find(steps);
    if (found !== undefined) {
      const smallest = await shrink(
        steps.slice(0, found.stepCount),
        async (tried) => (await find(tried)) !== undefined,
      );
      const text = (await find(smallest))?.text ?? `${found.text} (only once; the shortened steps do not show it)`;
      differences.push({ roundSeed, protocol, family: family?.name ?? "mixed", steps: smallest, text });
    }
    options.onProgress?.(commandCount, differences.length);
  }
  return { commandCount, differences };
}

/** A difference for people: commands as redis-cli takes them, then what was said. */
export function describeDifference(difference: Difference): string {
  const { roundSeed, protocol, family, steps, text } = difference;
  return [`Round ${roundSeed}, RESP${protocol}, ${family}:`, "FLUSHALL", ...steps.flatMap(toLines), text].join("\n");
}

function generate(families: readonly Family[], seed: number, count: number): Step[] {
  const vocabulary = new Vocabulary(seed);
  const lots = families.flatMap((family) => Array.from({ length: family.weight }, () => family));
  const steps: Step[] = [];
  while (steps.length < count) steps.push(...vocabulary.random.pick(lots).next(vocabulary));
  return steps;
}

interface Found {
  /** Steps up to and with the one that differs. */
  readonly stepCount: number;
  readonly text: string;
}

async function findDifference(
  ours: Address,
  theirs: Address,
  steps: readonly Step[],
  protocol: 2 | 3,
): Promise<Found | undefined> {
  const [ourAnswers, theirAnswers] = await Promise.all([play(ours, steps, protocol), play(theirs, steps, protocol)]);
  for (let i = 0; i < Math.max(ourAnswers.length, theirAnswers.length); i++) {
    const text = answerDifference(ourAnswers[i], theirAnswers[i]);
    if (text !== undefined) return { stepCount: i + 1, text };
  }
  try {
    const text = await stateDifference(ours, theirs);
    return text === undefined ? undefined : { stepCount: steps.length, text: `State: ${text}` };
  } catch (error) {
    return { stepCount: steps.length, text: `State: cannot be read: ${(error as Error).message}` };
  }
}

function answerDifference(our: Answer | undefined, their: Answer | undefined): string | undefined {
  // Two servers that do not answer are alike, but then it is the generator that must be mended.
  const hasAnswers = our !== undefined && their !== undefined && !our.isMissing && !their.isMissing;
  if (hasAnswers && isSame(their.words, our.bytes, their.bytes)) return undefined;
  return `ours:   ${shown(our)}\ntheirs: ${shown(their)}`;
}

function shown(answer: Answer | undefined): string {
  return answer === undefined ? "(nothing)" : JSON.stringify(answer.bytes.toString("latin1"));
}
