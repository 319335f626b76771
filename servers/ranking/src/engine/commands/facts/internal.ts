import type { FactRow } from "./row.ts";

/** Commands that only the store itself writes, into its snapshots. */
export const INTERNAL_FACTS: readonly FactRow[] = [
  {
    name: "store.form",
    arity: -3,
    since: "0.1.0",
    summary: "Brings a value into the form that it had when the snapshot was made",
    complexity: "O(N): N elements",
    flags: "write admin noscript",
    categories: "admin slow dangerous",
    keySpecs: ["RW update | index 1 | range 0 1 0"],
    keyRange: [1, 1, 1],
    arguments: "key:key#0 form:string*",
    isInternal: true,
  },
];
