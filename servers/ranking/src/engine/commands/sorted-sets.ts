import type { Handler } from "../command.ts";
import { SORTED_SET_CHANGES } from "./sorted-set-changes.ts";
import { SORTED_SET_COMBINATIONS } from "./sorted-set-combine.ts";
import { SORTED_SET_POPS } from "./sorted-set-pops.ts";
import { SORTED_SET_RANGES } from "./sorted-set-ranges.ts";
import { SORTED_SET_READS } from "./sorted-set-reads.ts";

/** Commands of sorted sets. */
export const SORTED_SET_HANDLERS: Readonly<Record<string, Handler>> = {
  ...SORTED_SET_CHANGES,
  ...SORTED_SET_READS,
  ...SORTED_SET_RANGES,
  ...SORTED_SET_POPS,
  ...SORTED_SET_COMBINATIONS,
};
