import type { Handler } from "../command.ts";
import { ACL_HANDLERS } from "./acl.ts";
import { AUTH_HANDLERS } from "./auth.ts";
import { BITFIELD_HANDLERS } from "./bitfield.ts";
import { BITMAP_HANDLERS } from "./bitmaps.ts";
import { BOARD_HANDLERS } from "./boards.ts";
import { CLIENT_HANDLERS } from "./client.ts";
import { COMMAND_HANDLERS } from "./command.ts";
import { CONFIG_HANDLERS } from "./config.ts";
import { CONNECTION_HANDLERS } from "./connection.ts";
import { DEBUG_HANDLERS } from "./debug.ts";
import { DUMP_HANDLERS } from "./dump.ts";
import { GEO_HANDLERS } from "./geo.ts";
import { HASH_EXPIRY_HANDLERS } from "./hash-expiry.ts";
import { HASH_NUMBER_HANDLERS } from "./hash-numbers.ts";
import { HASH_PICK_HANDLERS } from "./hash-picks.ts";
import { HASH_HANDLERS } from "./hashes.ts";
import { HYPER_LOG_LOG_HANDLERS } from "./hyper-log-logs.ts";
import { INTERNAL_HANDLERS } from "./internal.ts";
import { KEY_EXPIRY_HANDLERS } from "./key-expiry.ts";
import { KEY_SCAN_HANDLERS } from "./key-scans.ts";
import { KEY_HANDLERS } from "./keys.ts";
import { LATENCY_HANDLERS } from "./latency.ts";
import { LIST_BLOCKING_HANDLERS } from "./list-blocking.ts";
import { LIST_MOVE_HANDLERS } from "./list-moves.ts";
import { LIST_HANDLERS } from "./lists.ts";
import { MEMORY_HANDLERS } from "./memory.ts";
import { OBJECT_HANDLERS } from "./object.ts";
import { PUBSUB_HANDLERS } from "./pubsub.ts";
import { SCRIPT_HANDLERS } from "./scripts.ts";
import { SERVER_HANDLERS } from "./server.ts";
import { SET_ALGEBRA_HANDLERS } from "./set-algebra.ts";
import { SET_PICK_HANDLERS } from "./set-picks.ts";
import { SET_HANDLERS } from "./sets.ts";
import { SLOWLOG_HANDLERS } from "./slowlog.ts";
import { SORT_HANDLERS } from "./sort.ts";
import { SORTED_SET_HANDLERS } from "./sorted-sets.ts";
import { STRING_LCS_HANDLERS } from "./string-lcs.ts";
import { STRING_NUMBER_HANDLERS } from "./string-numbers.ts";
import { STRING_RANGE_HANDLERS } from "./string-ranges.ts";
import { STRING_HANDLERS } from "./strings.ts";
import { TRANSACTION_HANDLERS } from "./transactions.ts";
import { WAITING_HANDLERS } from "./waiting.ts";
import { WINDOW_HANDLERS } from "./windows.ts";
import { ZONE_HANDLERS } from "./zones.ts";

/** Every command there is, by its name in lower case; a subcommand by `container|name`. One entry per family file. */
export const HANDLERS: Readonly<Record<string, Handler>> = {
  ...INTERNAL_HANDLERS,
  ...BITFIELD_HANDLERS,
  ...BITMAP_HANDLERS,
  ...BOARD_HANDLERS,
  ...CONNECTION_HANDLERS,
  ...GEO_HANDLERS,
  ...HASH_HANDLERS,
  ...HASH_EXPIRY_HANDLERS,
  ...HASH_NUMBER_HANDLERS,
  ...HASH_PICK_HANDLERS,
  ...LIST_HANDLERS,
  ...LIST_BLOCKING_HANDLERS,
  ...LIST_MOVE_HANDLERS,
  ...SET_HANDLERS,
  ...SET_ALGEBRA_HANDLERS,
  ...SET_PICK_HANDLERS,
  ...DUMP_HANDLERS,
  ...HYPER_LOG_LOG_HANDLERS,
  ...KEY_EXPIRY_HANDLERS,
  ...KEY_SCAN_HANDLERS,
  ...KEY_HANDLERS,
  ...OBJECT_HANDLERS,
  ...PUBSUB_HANDLERS,
  ...SORT_HANDLERS,
  ...STRING_LCS_HANDLERS,
  ...STRING_NUMBER_HANDLERS,
  ...STRING_RANGE_HANDLERS,
  ...SORTED_SET_HANDLERS,
  ...ACL_HANDLERS,
  ...AUTH_HANDLERS,
  ...CLIENT_HANDLERS,
  ...COMMAND_HANDLERS,
  ...CONFIG_HANDLERS,
  ...DEBUG_HANDLERS,
  ...LATENCY_HANDLERS,
  ...MEMORY_HANDLERS,
  ...SERVER_HANDLERS,
  ...SLOWLOG_HANDLERS,
  ...STRING_HANDLERS,
  ...WINDOW_HANDLERS,
  ...ZONE_HANDLERS,
  ...TRANSACTION_HANDLERS,
  ...WAITING_HANDLERS,
  ...SCRIPT_HANDLERS,
};
