import type { Family } from "../step.ts";
import { BITMAPS } from "./bitmaps.ts";
import { GEO } from "./geo.ts";
import { HASHES } from "./hashes.ts";
import { HYPER_LOG_LOGS } from "./hyper-log-logs.ts";
import { KEYS } from "./keys.ts";
import { LISTS } from "./lists.ts";
import { PROTOCOL } from "./protocol.ts";
import { PUBSUB } from "./pubsub.ts";
import { REFUSALS } from "./refusals.ts";
import { SCRIPTS_FAMILY } from "./scripts.ts";
import { SERVER } from "./server.ts";
import { SETS } from "./sets.ts";
import { SORTED_SETS } from "./sorted-sets.ts";
import { STRINGS } from "./strings.ts";
import { TRANSACTIONS } from "./transactions.ts";

/** Every family of commands that is compared. */
export const FAMILIES: readonly Family[] = [
  ...[STRINGS, BITMAPS, KEYS, HASHES, LISTS, SETS, SORTED_SETS, HYPER_LOG_LOGS, GEO],
  ...[TRANSACTIONS, PUBSUB, SCRIPTS_FAMILY, REFUSALS, PROTOCOL, SERVER],
];
