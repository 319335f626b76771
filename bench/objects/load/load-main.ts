import type { LoadMessage, LoadPlan } from "./load-plan.ts";
import { LoadRun } from "./load-run.ts";

function say(message: LoadMessage): void {
  process.send?.(message);
}

async function runPlan(plan: LoadPlan): Promise<void> {
  const run = new LoadRun(plan);
  try {
    if (plan.prepares) {
      const startedAtMs = performance.now();
      const objects = await run.prepare();
      say({ kind: "prepared", objects, milliseconds: performance.now() - startedAtMs });
    }
    say({ kind: "report", report: await run.measure() });
  } catch (error) {
    say({ kind: "failed", message: error instanceof Error ? error.message : String(error) });
  } finally {
    await run.close();
  }
}

process.on("message", (plan: LoadPlan) => void runPlan(plan));
process.once("disconnect", () => process.exit());
