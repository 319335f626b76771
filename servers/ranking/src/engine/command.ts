import type { AclCommand } from "./acl/index.ts";
import type { Call } from "./call.ts";
import type { CommandFacts } from "./commands/facts.ts";
import { LatencyHistogram } from "./latency-histogram.ts";

/** Does a command: reads `call.args`, changes `call.db`, writes exactly one reply to `call.reply`. */
export type Handler = (call: Call) => void;

/** What decides how a command may be run, as bits. */
export const CommandFlag = {
  write: 1,
  readonly: 2,
  denyOom: 4,
  noScript: 8,
  blocking: 16,
  /** Runs before the client has said who it is. */
  noAuth: 32,
  /** Not queued by MULTI. */
  noMulti: 64,
  /** May be used while subscribed, in RESP2. */
  pubsub: 128,
  admin: 256,
  mayReplicate: 512,
  skipSlowlog: 1024,
  /** MONITOR does not show it. */
  skipMonitor: 2048,
  fast: 4096,
} as const;

const FLAGS_BY_NAME: Readonly<Record<string, number>> = {
  write: CommandFlag.write,
  readonly: CommandFlag.readonly,
  denyoom: CommandFlag.denyOom,
  noscript: CommandFlag.noScript,
  blocking: CommandFlag.blocking,
  no_auth: CommandFlag.noAuth,
  no_multi: CommandFlag.noMulti,
  admin: CommandFlag.admin,
  may_replicate: CommandFlag.mayReplicate,
  skip_slowlog: CommandFlag.skipSlowlog,
  skip_monitor: CommandFlag.skipMonitor,
  fast: CommandFlag.fast,
};

/** Redis 7.0.15 treats these so, though COMMAND does not tell. */
const MAY_REPLICATE: ReadonlySet<string> = new Set(["eval", "evalsha", "pfcount", "publish", "spublish"]);

/** One command or subcommand, and what it has cost. */
export class Command implements AclCommand {
  readonly id: number;
  readonly name: string;
  readonly arity: number;
  readonly flags: number;
  readonly facts: CommandFacts;
  readonly categories: readonly string[];
  /** Its reply may be another on another copy of the store with the same data. */
  readonly isNondeterministic: boolean;
  /** For access control: everybody may run it. */
  readonly isAlwaysAllowed: boolean;
  /** `undefined` for a container, whose subcommands do the work. */
  readonly handler: Handler | undefined;
  readonly subcommands = new Map<string, Command>();
  calls = 0;
  usec = 0;
  rejectedCalls = 0;
  failedCalls = 0;
  readonly latency = new LatencyHistogram();

  constructor(id: number, facts: CommandFacts, handler: Handler | undefined) {
    this.id = id;
    this.name = facts.name;
    this.arity = facts.arity;
    this.facts = facts;
    this.categories = facts.categories;
    this.isNondeterministic = facts.tips.some((tip) => tip.startsWith("nondeterministic"));
    this.isAlwaysAllowed = facts.flags.includes("no_auth");
    this.handler = handler;
    const hidden = MAY_REPLICATE.has(facts.name) ? CommandFlag.mayReplicate : 0;
    this.flags = facts.flags.reduce((bits, flag) => bits | (FLAGS_BY_NAME[flag] ?? 0), hidden);
  }

  /** CONFIG RESETSTAT. */
  resetStatistics(): void {
    this.calls = 0;
    this.usec = 0;
    this.rejectedCalls = 0;
    this.failedCalls = 0;
    this.latency.reset();
  }

  /** Whether a call with so many arguments, its name included, can be right. */
  takes(count: number): boolean {
    return this.arity >= 0 ? count === this.arity : count >= -this.arity;
  }
}
