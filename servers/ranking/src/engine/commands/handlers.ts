import type { Handler } from "../command.ts";
import { CONNECTION_HANDLERS } from "./connection.ts";
import { SORTED_SET_HANDLERS } from "./sorted-sets.ts";
import { STRING_HANDLERS } from "./strings.ts";

/** Every command there is, by its name in lower case; a subcommand by `container|name`. One entry per family file. */
export const HANDLERS: Readonly<Record<string, Handler>> = {
  ...CONNECTION_HANDLERS,
  ...SORTED_SET_HANDLERS,
  ...STRING_HANDLERS,
};
