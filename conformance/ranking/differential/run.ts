import { parseArgs } from "node:util";
import { startRedis } from "@kagami/testkit";
import { FAMILIES } from "./families/index.ts";
import { compareServers, describeDifference } from "./harness.ts";
import type { Address } from "./player.ts";

const HELP = `Compares a server with redis-server by generated commands.

  node conformance/ranking/differential/run.ts [--commands N] [--seed N] [--families a,b] [--differences N]
                                               [--against host:port]

  --commands     how many commands, 100000 if absent
  --seed         the first seed, 1 if absent; the same seed sends the same commands
  --families     ${FAMILIES.map(({ name }) => name).join(", ")}; all if absent
  --differences  stop after this many, 1 if absent
  --against      the server to judge, EMPTIED BY FLUSHALL; a second redis-server if absent`;

/** Exit code 0: no difference; 1: differences; 2: the arguments are wrong. */
async function main(): Promise<number> {
  const { values } = parseArgs({
    options: {
      commands: { type: "string", default: "100000" },
      seed: { type: "string", default: "1" },
      families: { type: "string", default: FAMILIES.map(({ name }) => name).join() },
      differences: { type: "string", default: "1" },
      against: { type: "string" },
      help: { type: "boolean", default: false },
    },
  });
  const names = values.families.split(",");
  const families = FAMILIES.filter(({ name }) => names.includes(name));
  const numbers = [values.commands, values.seed, values.differences].map(Number);
  if (values.help || families.length !== names.length || !numbers.every(Number.isSafeInteger)) {
    console.log(HELP);
    return values.help ? 0 : 2;
  }
  const [commandCount = 0, seed = 0, differenceLimit = 1] = numbers;
  const theirs = await startRedis();
  const second = values.against === undefined ? await startRedis() : undefined;
  try {
    const result = await compareServers({
      ours: second === undefined ? addressOf(String(values.against)) : { host: "127.0.0.1", port: second.port },
      theirs: { host: "127.0.0.1", port: theirs.port },
      ...{ families, seed, commandCount, differenceLimit },
      onProgress: progressPrinter(commandCount),
    });
    for (const difference of result.differences) console.log(`\n${describeDifference(difference)}`);
    console.log(`\n${result.commandCount} commands, ${result.differences.length} differences, seed ${seed}`);
    return result.differences.length === 0 ? 0 : 1;
  } finally {
    await Promise.all([theirs.stop(), second?.stop()]);
  }
}

function addressOf(text: string): Address {
  const at = text.lastIndexOf(":");
  return { host: text.slice(0, at), port: Number(text.slice(at + 1)) };
}

function progressPrinter(total: number): (done: number, differences: number) => void {
  const startedMs = performance.now();
  let printedMs = startedMs;
  return (done, differences) => {
    const nowMs = performance.now();
    if (nowMs - printedMs < 2_000) return;
    printedMs = nowMs;
    const rate = Math.round((done / (nowMs - startedMs)) * 1_000);
    console.error(`${done} of ${total} commands, ${rate} a second, ${differences} differences`);
  };
}

process.exitCode = await main();
