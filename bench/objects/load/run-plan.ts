import { fork } from "node:child_process";
import { join } from "node:path";
import type { LoadMessage, LoadPlan, LoadReport } from "./load-plan.ts";

/** Runs a plan in a process of its own, which ends with it. @throws Error if it cannot be run; the message says why. */
export async function runPlan(plan: LoadPlan, progress: (text: string) => void): Promise<LoadReport> {
  const child = fork(join(import.meta.dirname, "load-main.ts"), { execArgv: ["--max-semi-space-size=32"] });
  try {
    return await new Promise<LoadReport>((resolve, reject) => {
      child.once("exit", (code) => reject(new Error(`The load process ended with ${code}`)));
      child.on("message", (message: LoadMessage) => {
        if (message.kind === "report") resolve(message.report);
        else if (message.kind === "failed") reject(new Error(message.message));
        else progress(`${message.objects} objects stored in ${(message.milliseconds / 1_000).toFixed(1)} s`);
      });
      child.send(plan);
    });
  } finally {
    const ended = new Promise((resolve) => child.once("exit", resolve));
    if (child.exitCode === null && child.signalCode === null) {
      child.kill("SIGKILL");
      await ended;
    }
  }
}
