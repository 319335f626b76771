import type { Handler } from "../command.ts";
import { ACL_HANDLERS } from "./acl.ts";
import { AUTH_HANDLERS } from "./auth.ts";
import { CLIENT_HANDLERS } from "./client.ts";
import { COMMAND_HANDLERS } from "./command.ts";
import { CONFIG_HANDLERS } from "./config.ts";
import { CONNECTION_HANDLERS } from "./connection.ts";
import { DEBUG_HANDLERS } from "./debug.ts";
import { LATENCY_HANDLERS } from "./latency.ts";
import { MEMORY_HANDLERS } from "./memory.ts";
import { SERVER_HANDLERS } from "./server.ts";
import { SLOWLOG_HANDLERS } from "./slowlog.ts";
import { STRING_HANDLERS } from "./strings.ts";

/** Every command there is, by its name in lower case; a subcommand by `container|name`. One entry per family file. */
export const HANDLERS: Readonly<Record<string, Handler>> = {
  ...ACL_HANDLERS,
  ...AUTH_HANDLERS,
  ...CLIENT_HANDLERS,
  ...COMMAND_HANDLERS,
  ...CONFIG_HANDLERS,
  ...CONNECTION_HANDLERS,
  ...DEBUG_HANDLERS,
  ...LATENCY_HANDLERS,
  ...MEMORY_HANDLERS,
  ...SERVER_HANDLERS,
  ...SLOWLOG_HANDLERS,
  ...STRING_HANDLERS,
};
