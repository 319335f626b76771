import type { Handler } from "../command.ts";
import { CONNECTION_HANDLERS } from "./connection.ts";
import { PUBSUB_HANDLERS } from "./pubsub.ts";
import { STRING_HANDLERS } from "./strings.ts";
import { TRANSACTION_HANDLERS } from "./transactions.ts";

/** Every command there is, by its name in lower case; a subcommand by `container|name`. One entry per family file. */
export const HANDLERS: Readonly<Record<string, Handler>> = {
  ...CONNECTION_HANDLERS,
  ...PUBSUB_HANDLERS,
  ...STRING_HANDLERS,
  ...TRANSACTION_HANDLERS,
};
