import { spawn } from "node:child_process";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { findCommand, withTempDir } from "@kagami/testkit";
import { pause } from "../src/process-sample.ts";
import { type Figure, plainFigure, type Scenario } from "../src/scenario.ts";
import { Load, preload } from "./load.ts";
import { type Subject, withSubjects } from "./subjects.ts";

const KEY_COUNT = 2_000;
const VALUE_BYTES = 100;
/** Waiting for another thread is no work. */
const NOT_COUNTED = new Set(["futex", "total"]);

/** How often a proxy asks the kernel for something, for each operation; counted by strace, which slows all down. */
export const systemCalls: Scenario = {
  name: "system-calls",
  summary: "System calls per operation beside nutcracker, as strace counts them",
  run: ({ isSmoke, settings, progress }) =>
    withSubjects(async ({ nutcracker, kagami, versions }) => {
      const milliseconds = (settings.seconds ?? (isSmoke ? 1 : 3)) * 1_000;
      const load = new Load();
      const figures: Figure[] = [];
      try {
        for (const peer of [nutcracker, kagami]) {
          for (const port of peer.ports) await preload(port, KEY_COUNT, VALUE_BYTES);
          for (const pipeline of [1, 16]) {
            const counts = await count(load, peer, pipeline, milliseconds);
            const sum = [...counts.values()].reduce((total, perOperation) => total + perOperation, 0);
            const most = [...counts].sort(([, a], [, b]) => b - a).slice(0, 4);
            progress(`${peer.name} at ${pipeline}: ${most.map(([name, n]) => `${name} ${n.toFixed(2)}`).join(", ")}`);
            figures.push(plainFigure(peer.name, `calls-per-operation-pipeline-${pipeline}`, sum, "1"));
          }
        }
      } finally {
        await load.stop();
      }
      return { figures, notes: [versions, "futex is left out: it is how idle threads wait"] };
    }),
};

async function count(load: Load, { pid, ports }: Subject, pipeline: number, milliseconds: number) {
  return await withTempDir(async (directory) => {
    const path = join(directory, "counts");
    const strace = spawn(findCommand("strace", "strace"), ["-c", "-f", "-p", String(pid), "-o", path], {
      stdio: "ignore",
    });
    const ended = new Promise((resolve) => strace.once("exit", resolve));
    await pause(500); // until it has attached
    const request = { connections: 50, pipeline, valueBytes: VALUE_BYTES, keyCount: KEY_COUNT, perSecond: 0 };
    const { operations } = await load.run({ ...request, ports, milliseconds });
    strace.kill("SIGINT");
    await ended;
    const counts = new Map<string, number>();
    for (const line of (await readFile(path, "utf8")).split("\n")) {
      const match = /^\s*[\d.]+\s+[\d.]+\s+\d+\s+(\d+)\s+(?:\d+\s+)?(\w+)\s*$/.exec(line);
      if (match?.[2] === undefined || NOT_COUNTED.has(match[2])) continue;
      counts.set(match[2], Number(match[1]) / operations);
    }
    return counts;
  });
}
