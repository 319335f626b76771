import { command, type Family, type Step } from "../step.ts";
import type { Vocabulary } from "../vocabulary.ts";

const BUILDERS: readonly ((v: Vocabulary, key: string) => readonly string[])[] = [
  (v, k) => ["PFADD", k, ...v.many(0, 8, () => v.member())],
  (v, k) => ["PFADD", k, ...Array.from({ length: v.random.int(50, 200) }, () => `u${v.int(0, 100_000)}`)],
  (v, k) => ["PFCOUNT", k, ...v.many(0, 2, () => v.key("p"))],
  (v, k) => ["PFMERGE", k, ...v.many(0, 3, () => v.key("p"))],
  (_, k) => ["STRLEN", k],
  (_, k) => ["GET", k],
  (v, k) => ["SET", k, v.one("HYLL", "HYLL\x01", "abc")],
];

/** HyperLogLogs, which are strings that GET shows byte for byte. */
export const HYPER_LOG_LOGS: Family = {
  name: "hyper-log-logs",
  weight: 1,
  next: (v): Step[] => [command(...v.spoiled(v.random.pick(BUILDERS)(v, v.key("p"))))],
};
