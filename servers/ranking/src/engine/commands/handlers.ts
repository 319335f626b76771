import type { Handler } from "../command.ts";
import { CONNECTION_HANDLERS } from "./connection.ts";
import { HASH_EXPIRY_HANDLERS } from "./hash-expiry.ts";
import { HASH_NUMBER_HANDLERS } from "./hash-numbers.ts";
import { HASH_PICK_HANDLERS } from "./hash-picks.ts";
import { HASH_HANDLERS } from "./hashes.ts";
import { LIST_BLOCKING_HANDLERS } from "./list-blocking.ts";
import { LIST_MOVE_HANDLERS } from "./list-moves.ts";
import { LIST_HANDLERS } from "./lists.ts";
import { SET_ALGEBRA_HANDLERS } from "./set-algebra.ts";
import { SET_PICK_HANDLERS } from "./set-picks.ts";
import { SET_HANDLERS } from "./sets.ts";
import { STRING_HANDLERS } from "./strings.ts";

/** Every command there is, by its name in lower case; a subcommand by `container|name`. One entry per family file. */
export const HANDLERS: Readonly<Record<string, Handler>> = {
  ...CONNECTION_HANDLERS,
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
  ...STRING_HANDLERS,
};
