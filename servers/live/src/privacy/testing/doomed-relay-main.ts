import { createLogger, systemClock } from "@kagami/kit";
import { FilterSupervisor } from "../filter-supervisor.ts";

// A relay that starts a filter process, says its id, and is killed.

const supervisor = new FilterSupervisor({ clock: systemClock, log: createLogger({ level: "error" }) });
const settings = { mode: "selective", style: "any", strength: 1, zones: [], startsCovered: false } as const;
const nothing = (): void => undefined;
supervisor.openStream(settings, {
  onReady(): void {
    process.stdout.write(String(supervisor.pids[0]), () => process.kill(process.pid, "SIGKILL"));
  },
  ...{ onReply: nothing, onFailed: nothing, onClosed: nothing, onStats: nothing },
});
