import type { Handler } from "../command.ts";
import { BOARD_HANDLERS } from "./boards.ts";
import { CONNECTION_HANDLERS } from "./connection.ts";
import { STRING_HANDLERS } from "./strings.ts";
import { WINDOW_HANDLERS } from "./windows.ts";

/** Every command there is, by its name in lower case; a subcommand by `container|name`. One entry per family file. */
export const HANDLERS: Readonly<Record<string, Handler>> = {
  ...BOARD_HANDLERS,
  ...CONNECTION_HANDLERS,
  ...STRING_HANDLERS,
  ...WINDOW_HANDLERS,
};
