import type { AgreedState } from "./cluster-state.ts";

/** Something that happened to the cluster, for the log. */
export interface ClusterEvent {
  readonly name: string;
  readonly level: "info" | "warn";
  readonly fields: Readonly<Record<string, unknown>>;
}

/** What happened between two agreed states. */
export function clusterEvents(before: AgreedState, after: AgreedState): ClusterEvent[] {
  const events: ClusterEvent[] = [];
  const { epoch } = after.cluster;
  const was = new Map(before.ejected.map((entry) => [entry.address, entry]));
  for (const { address, stage, reason } of after.ejected) {
    const old = was.get(address);
    was.delete(address);
    if (!old) events.push({ name: "server.ejected", level: "warn", fields: { address, stage, reason, epoch } });
    else if (old.stage !== stage) {
      events.push({
        name: "server.stage_changed",
        level: "info",
        fields: { address, from: old.stage, to: stage, epoch },
      });
    }
  }
  for (const address of was.keys()) events.push({ name: "server.rejoined", level: "info", fields: { address, epoch } });
  for (const move of after.cluster.moves) {
    const old = before.cluster.moves.find(({ pool }) => pool === move.pool);
    const { pool, doneBelow, movingBelow } = move;
    if (!old) events.push({ name: "move.started", level: "info", fields: { pool, epoch } });
    else if (old.doneBelow !== doneBelow || old.movingBelow !== movingBelow) {
      events.push({ name: "move.advanced", level: "info", fields: { pool, doneBelow, movingBelow, epoch } });
    }
  }
  for (const { pool, doneBelow } of before.cluster.moves) {
    if (after.cluster.moves.some((move) => move.pool === pool)) continue;
    const name = doneBelow === 65_536 ? "move.done" : "move.ended";
    events.push({ name, level: "info", fields: { pool, epoch } });
  }
  return events;
}
