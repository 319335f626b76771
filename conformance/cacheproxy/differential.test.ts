import { createRandom, seeds } from "@kagami/clock";
import { type Reference, startMemcached } from "@kagami/testkit";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { randomCommand } from "./support/commands.ts";
import { type Proxied, startProxied } from "./support/proxied.ts";
import { talk } from "./support/talk.ts";

const COMMANDS_PER_STREAM = 60;
const STREAMS = 120;

/** Ends every stream: a value that lacks a byte or two gets them from here, and the connection closes. */
const ENDING = "\r\nmn\r\nmn\r\nquit\r\n";

/**
 * The remaining time to live, the time since the last access and `me`'s absolute forms of them depend on when each
 * server's clock ticks; whether an item counts as fetched, on whether an `incr` found it still being sent to somebody.
 */
function withoutTimes(reply: string): string {
  return reply
    .replaceAll(/^((?:HD|VA \d+)(?: .*)?) t\d+/gm, "$1 t#")
    .replaceAll(/^((?:HD|VA \d+)(?: .*)?) l\d+/gm, "$1 l#")
    .replaceAll(/^(ME .*) exp=-?\d+ la=\d+/gm, "$1 exp=# la=#")
    .replaceAll(/^(ME .*) fetch=(?:yes|no)/gm, "$1 fetch=#");
}

function commandsOf(seed: number, isSlow: boolean): string[] {
  const random = createRandom(seed);
  return Array.from({ length: COMMANDS_PER_STREAM }, () => randomCommand(random, isSlow));
}

interface Answers {
  readonly theirs: string;
  readonly ours: string;
}

/** Leaves out what is not needed for the two to differ, so that a failure shows a handful of commands. */
async function smallest(commands: readonly string[], ask: (commands: readonly string[]) => Promise<Answers>) {
  let kept = ["flush_all\r\n", ...commands];
  for (let i = kept.length - 1; i > 0; i--) {
    const fewer = kept.toSpliced(i, 1);
    const { theirs, ours } = await ask(fewer);
    if (theirs !== ours) kept = fewer;
  }
  const shorten = (text: string): string => (text.length > 300 ? `${text.slice(0, 150)}…${text.slice(-150)}` : text);
  const { theirs, ours } = await ask(kept);
  return { sent: kept.map(shorten), theirs: shorten(theirs), ours: shorten(ours) };
}

/**
 * What is sent to a memcached and to the proxy with one memcached behind it is answered in the same bytes, cas values
 * included: so both servers did the same, too. Where the proxy differs, see the compatibility table of its README;
 * those cases are not generated.
 */
describe.each([
  { path: "fast", isSlow: false },
  { path: "slow", isSlow: true },
])("through the $path path", ({ isSlow }) => {
  let direct: Reference;
  let proxied: Proxied;
  beforeAll(async () => {
    [direct, proxied] = await Promise.all([startMemcached(), startProxied({ serverCount: 1, isSlow })]);
  });
  afterAll(async () => {
    await Promise.all([direct.stop(), proxied.close()]);
  });

  test(`${STREAMS * COMMANDS_PER_STREAM} generated commands are answered as memcached answers them`, async () => {
    const ask = async (commands: readonly string[], pieceBytes = 0): Promise<Answers> => {
      const stream = commands.join("") + ENDING;
      const [theirs, ours] = await Promise.all([talk(direct.port, stream), talk(proxied.port, stream, pieceBytes)]);
      return { theirs: withoutTimes(theirs), ours: withoutTimes(ours) };
    };
    for (const seed of seeds(STREAMS)) {
      const commands = commandsOf(seed, isSlow);
      const isBig = commands.some((command) => command.length > 9_000);
      const { theirs, ours } = await ask(commands, isBig || seed % 4 > 0 ? 0 : 1 + (seed % 97));
      if (ours !== theirs) expect({ seed, ...(await smallest(commands, ask)) }).toBeUndefined();
    }
  }, 60_000);
});
