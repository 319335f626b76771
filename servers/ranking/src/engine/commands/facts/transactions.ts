import type { FactRow } from "./row.ts";

/** The transactions commands of Redis 7.0.15: the group `transactions` of `COMMAND DOCS`. */
export const TRANSACTION_FACTS: readonly FactRow[] = [
  {
    name: "discard",
    arity: 1,
    since: "2.0.0",
    summary: "Drops the transaction begun by MULTI",
    complexity: "O(N): N commands queued",
    flags: "noscript loading stale fast allow_busy",
    categories: "fast transaction",
  },
  {
    name: "exec",
    arity: 1,
    since: "1.2.0",
    summary: "Runs the transaction begun by MULTI",
    complexity: "by the commands queued",
    flags: "noscript loading stale skip_slowlog",
    categories: "slow transaction",
  },
  {
    name: "multi",
    arity: 1,
    since: "1.2.0",
    summary: "Begins a transaction",
    complexity: "O(1)",
    flags: "noscript loading stale fast allow_busy",
    categories: "fast transaction",
  },
  {
    name: "unwatch",
    arity: 1,
    since: "2.2.0",
    summary: "Forgets the watched keys",
    complexity: "O(1)",
    flags: "noscript loading stale fast allow_busy",
    categories: "fast transaction",
  },
  {
    name: "watch",
    arity: -2,
    since: "2.2.0",
    summary: "Lets the next transaction run only if the keys stay as they are",
    complexity: "O(1) a key",
    flags: "noscript loading stale fast allow_busy",
    categories: "fast transaction",
    keySpecs: ["RO | index 1 | range -1 1 0"],
    keyRange: [1, -1, 1],
    arguments: "key:key#0*",
  },
];
