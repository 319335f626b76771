import { parseInt64 } from "../../protocol/numbers.ts";
import type { User } from "../acl/index.ts";
import type { Call } from "../call.ts";
import { type ClientType, clientTypeOf, typeOfSession } from "../client-info.ts";
import { SYNTAX_ERROR } from "../replies.ts";
import type { Session } from "../session.ts";

/** What CLIENT KILL looks for; a session must fit all that is said. */
interface KillFilter {
  id?: number | undefined;
  type?: ClientType | undefined;
  address?: string;
  localAddress?: string;
  user?: User | undefined;
  skipsMe: boolean;
}

/** CLIENT KILL, the old form with an address and the new one with filters. */
export function kill(call: Call): void {
  const { args, reply, engine } = call;
  if (args.count === 3) {
    const address = args.text(2);
    const found = [...engine.sessions.all()].filter((session) => session.address === address);
    if (found.length === 0) {
      reply.error("ERR No such client");
      return;
    }
    for (const session of found) engine.close(session);
    reply.ok();
    return;
  }
  const filter = readFilter(call);
  if (typeof filter === "string") {
    reply.error(filter);
    return;
  }
  const found = [...engine.sessions.all()].filter((session) => isMeant(call, filter, session));
  for (const session of found) engine.close(session);
  reply.integer(found.length);
}

/** @returns The error if it is wrong. */
function readFilter(call: Call): KillFilter | string {
  const { args, engine } = call;
  const filter: KillFilter = { skipsMe: true };
  for (let i = 2; i < args.count; i += 2) {
    if (i + 1 >= args.count) return SYNTAX_ERROR;
    const value = args.text(i + 1);
    if (args.isWord(i, "ID")) {
      filter.id = clientIdOf(call, i + 1);
      if (filter.id === undefined) return "ERR client-id should be greater than 0";
    } else if (args.isWord(i, "TYPE")) {
      filter.type = clientTypeOf(value);
      if (filter.type === undefined) return `ERR Unknown client type '${value}'`;
    } else if (args.isWord(i, "ADDR")) filter.address = value;
    else if (args.isWord(i, "LADDR")) filter.localAddress = value;
    else if (args.isWord(i, "USER")) {
      filter.user = engine.users.find(value);
      if (filter.user === undefined) return `ERR No such user '${value}'`;
    } else if (args.isWord(i, "SKIPME") && args.isWord(i + 1, "YES")) filter.skipsMe = true;
    else if (args.isWord(i, "SKIPME") && args.isWord(i + 1, "NO")) filter.skipsMe = false;
    else return SYNTAX_ERROR;
  }
  return filter;
}

function isMeant(call: Call, filter: KillFilter, session: Session): boolean {
  if (filter.skipsMe && session === call.session) return false;
  if (filter.id !== undefined && session.id !== filter.id) return false;
  if (filter.type !== undefined && typeOfSession(session) !== filter.type) return false;
  if (filter.address !== undefined && session.address !== filter.address) return false;
  if (filter.localAddress !== undefined && session.localAddress !== filter.localAddress) return false;
  return filter.user === undefined || session.user === filter.user;
}

/** Whether the argument is a number of a client: a whole number above 0. */
function clientIdOf({ args }: Call, index: number): number | undefined {
  const id = parseInt64(args.bytes, args.starts[index]!, args.ends[index]!);
  return id === undefined || id < 1n ? undefined : Number(id);
}
