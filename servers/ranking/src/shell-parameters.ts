import { CLIENTS_LIMIT, type ClientLimits } from "./client-limits.ts";
import type { RankingConfig } from "./config.ts";
import type { Engine } from "./engine/engine.ts";
import type { PersistenceSwitch } from "./persistence-switch.ts";
import type { ShellParts } from "./process-shell.ts";
import type { SaveRules } from "./save-rules.ts";
import type { SyncPolicy } from "./storage/log-syncer.ts";

/** What the parameters of the shell act on. */
export interface ShellControls {
  readonly config: RankingConfig;
  readonly limits: ClientLimits;
  readonly parts: ShellParts;
  readonly persistence: PersistenceSwitch;
  readonly saveRules: SaveRules;
}

/** Registers who puts the parameters into force that sockets, timers and files obey: what CONFIG SET changes of them. */
export function applyShellParameters(engine: Engine, controls: ShellControls): void {
  const { limits, parts, persistence, saveRules } = controls;
  const watch = (name: string, apply: (value: string) => void): void => {
    engine.config.onChange(name, (value) => {
      apply(value);
      return undefined;
    });
  };
  watch("appendfsync", (value) => {
    parts.fsync = value as SyncPolicy;
    const log = parts.persistence?.log;
    if (log === undefined || log.policy === value) return;
    // Behind the turn: replies that waited for a sync may be due with it.
    setImmediate(() => log.setPolicy(parts.fsync ?? log.policy));
  });
  engine.config.onChange("appendonly", (value) =>
    value === "yes" ? persistence.switchOn(engine) : persistence.switchOff(),
  );
  watch("save", (value) => saveRules.set(value));
  watch("timeout", (value) => {
    limits.idleMs = 1_000 * Number(value);
  });
  watch("tcp-keepalive", (value) => {
    limits.keepAliveMs = 1_000 * Number(value);
  });
  engine.config.onChange("maxclients", (value) => {
    if (Number(value) > CLIENTS_LIMIT) return `this server takes ${CLIENTS_LIMIT} clients at most`;
    limits.maxClients = Number(value);
    return undefined;
  });
  watch("client-output-buffer-limit", (value) => limits.setOutputLimits(value));
  applySizes(engine, controls);
  watch("busy-reply-threshold", (value) => {
    if (engine.scripts) engine.scripts.timeLimitMs = Number(value) === 0 ? Number.POSITIVE_INFINITY : Number(value);
  });
}

/** The sizes of requests. What the command line says may lie below what Redis's parameters can have; then it stays. */
function applySizes(engine: Engine, { config, limits, parts }: ShellControls): void {
  const shown = engine.config.get("proto-max-bulk-len");
  engine.config.onChange("proto-max-bulk-len", (value) => {
    limits.setMaxBulkBytes(value === shown ? config.maxBulkBytes : Number(value));
    for (const client of parts.reactor?.clients ?? []) client.parser.maxBulkBytes = limits.maxBulkBytes;
    return undefined;
  });
  const shownRequest = engine.config.get("client-query-buffer-limit");
  engine.config.onChange("client-query-buffer-limit", (value) => {
    limits.setMaxRequestBytes(value === shownRequest ? config.maxRequestBytes : Number(value));
    return undefined;
  });
}
