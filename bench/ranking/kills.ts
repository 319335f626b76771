import { join } from "node:path";
import { pause } from "../src/process-sample.ts";
import { limitedFigure, plainFigure, type Scenario } from "../src/scenario.ts";
import { startKagami, withClient, withDirectory } from "./contenders.ts";
import { RedisClient, type Reply } from "./redis-client.ts";

const WRITERS = 4;
const PIPELINE = 16;
/** Numbers that are read again before those that are new. A list is read from its beginning at every so manieth kill. */
const OVERLAP = 1_000;
const WHOLE_EVERY = 25;
/** Time under load before a kill: between these, so that it meets every state of a sync. */
const LOAD_MS = { least: 5, most: 60 };

/** What one writer sent and what came back. Each of its writes appends the next number to its own list. */
interface Writer {
  readonly key: string;
  /** Numbers below this were sent. */
  sent: number;
  /** Numbers below this were acknowledged. */
  acknowledged: number;
  /** Numbers below this were there after the last kill. */
  checked: number;
}

/** SIGKILL of a server that syncs before each reply, again and again, under load. */
export const kills: Scenario = {
  name: "kills",
  summary:
    "SIGKILLs of --fsync always under pipelined writes: no acknowledged write lost, order kept (--rounds N kills)",
  run: ({ isSmoke, settings, progress }) =>
    withDirectory(async (directory) => {
      const rounds = settings.rounds ?? (isSmoke ? 3 : 1_000);
      const args = ["--data", join(directory, "data"), "--fsync", "always", "--compact-bytes", String(1 << 20)];
      // Most of a round is the start of the server, and most of that is compiling.
      const options = { args, codeDirectory: join(directory, "code") };
      const writers: Writer[] = Array.from({ length: WRITERS }, (_, i) => ({
        key: `writes:${i}`,
        sent: 0,
        acknowledged: 0,
        checked: 0,
      }));
      let lost = 0;
      let disordered = 0;
      // Compiled code is kept by a process that ends by itself.
      await (await startKagami(options)).stop();
      let server = await startKagami(options);
      try {
        for (let round = 1; round <= rounds; round++) {
          const work = writers.map((writer) => writeUntilGone(writer, server.port));
          await pause(LOAD_MS.least + ((round * 37) % (LOAD_MS.most - LOAD_MS.least)));
          await server.kill();
          await Promise.all(work);
          server = await startKagami(options);
          const isWhole = round % WHOLE_EVERY === 0 || round === rounds;
          for (const writer of writers) {
            const verdict = await withClient(server, (client) => check(writer, client, isWhole));
            lost += verdict.lost;
            disordered += verdict.disordered;
          }
          if (round % 50 === 0) progress(`${round} kills: ${lost} lost, ${disordered} out of order`);
        }
      } finally {
        await server.stop();
      }
      const total = writers.reduce((sum, { acknowledged }) => sum + acknowledged, 0);
      const figures = [
        plainFigure("kagami", "kills", rounds, "1"),
        plainFigure("kagami", "writes-acknowledged", total, "1"),
        limitedFigure("kagami", "writes-lost", lost, "1", 0),
        limitedFigure("kagami", "writes-out-of-order", disordered, "1", 0),
      ];
      const note = `${WRITERS} writers, ${PIPELINE} writes at once each; a killed process, not a machine without power`;
      return { figures, notes: [note] };
    }),
};

/** Appends the next numbers until the connection breaks. */
async function writeUntilGone(writer: Writer, port: number): Promise<void> {
  const client = await RedisClient.connect(port).catch(() => undefined);
  if (client === undefined) return;
  const note = (number: number) => (reply: Reply) => {
    if (reply instanceof Error) throw reply;
    writer.acknowledged = Math.max(writer.acknowledged, number + 1);
  };
  try {
    for (;;) {
      const acknowledgements: Promise<void>[] = [];
      for (let i = 0; i < PIPELINE; i++) {
        const number = writer.sent++;
        acknowledgements.push(client.send("RPUSH", writer.key, number).then(note(number)));
      }
      const outcomes = await Promise.allSettled(acknowledgements);
      if (outcomes.some(({ status }) => status === "rejected")) return;
    }
  } finally {
    client.close();
  }
}

/**
 * Compares the list of a writer with what it knows. What was sent and not acknowledged may be there or not, but only as a
 * piece without gaps behind what was.
 */
async function check(
  writer: Writer,
  client: RedisClient,
  isWhole: boolean,
): Promise<{ lost: number; disordered: number }> {
  const count = Number(await client.ask("LLEN", writer.key));
  const from = isWhole ? 0 : Math.max(0, Math.min(writer.checked, count) - OVERLAP);
  const reply = await client.ask("LRANGE", writer.key, from, -1);
  const numbers = (Array.isArray(reply) ? reply : []).map(Number);
  const lost = Math.max(0, writer.acknowledged - count);
  const disordered = numbers.filter((number, i) => number !== from + i).length + Math.max(0, count - writer.sent);
  // The next round goes on where the list ends.
  writer.sent = count;
  writer.acknowledged = count;
  writer.checked = count;
  return { lost, disordered };
}
