import type { Call } from "../call.ts";
import { clientInfo, clientTypeOf, typeOfSession } from "../client-info.ts";
import type { Handler } from "../command.ts";
import { SYNTAX_ERROR } from "../replies.ts";
import { ReplyMode, type Session } from "../session.ts";
import { setClientName } from "./auth.ts";
import { kill } from "./client-kill.ts";
import { type HelpRow, writeHelp } from "./help.ts";
import { refuseSubcommand } from "./subcommand-error.ts";

const HELP: readonly HelpRow[] = [
  ["CACHING (YES|NO)", "Says whether the keys of the next command are tracked. Tracking is not available here."],
  ["GETREDIR", "Tells where tracking messages go."],
  ["GETNAME", "Tells the name of this connection."],
  ["ID", "Tells the number of this connection."],
  ["INFO", "Describes this connection."],
  ["KILL <ip:port>", "Closes the connection from there."],
  [
    "KILL <option> <value> [<option> <value> [...]]",
    "Closes all connections to which everything said applies. Options are:",
    "* ADDR (<ip:port>|<unixsocket>:0), LADDR likewise",
    "* TYPE (NORMAL|MASTER|REPLICA|PUBSUB)",
    "* USER <username>, ID <client-id>",
    "* SKIPME (YES|NO): spares this connection, which is the default.",
  ],
  ["LIST [TYPE <type> | ID <client-id> ...]", "Describes all connections, or some."],
  ["PAUSE <timeout> [WRITE|ALL]", "Holds commands back for so many ms: all of them, or those that change something."],
  ["REPLY (ON|OFF|SKIP)", "Says whether this connection gets replies."],
  ["SETNAME <name>", "Names this connection."],
  ["UNBLOCK <client-id> [TIMEOUT|ERROR]", "Wakes a connection that waits for a key."],
  ["UNPAUSE", "Ends a pause."],
  ["TRACKING (ON|OFF)", "Is not available here: client side caching needs a table that this server does not keep."],
  ["TRACKINGINFO", "Tells that this connection does not track."],
  ["NO-EVICT (ON|OFF)", "Spares this connection when clients are closed for their memory."],
];

const NO_TRACKING =
  "ERR Client side caching is not available: this server keeps no table of the keys that clients have cached";
const NOT_TRACKING =
  "ERR CLIENT CACHING can be called only when the client is in tracking mode with OPTIN or OPTOUT mode enabled";

function list(call: Call): void {
  const { args, reply, engine, nowMs } = call;
  let sessions: Session[] = [...engine.sessions.all()];
  if (args.count === 4 && args.isWord(2, "TYPE")) {
    const type = clientTypeOf(args.text(3));
    if (type === undefined) {
      reply.error(`ERR Unknown client type '${args.text(3)}'`);
      return;
    }
    sessions = sessions.filter((session) => typeOfSession(session) === type);
  } else if (args.count > 3 && args.isWord(2, "ID")) {
    sessions = [];
    for (let i = 3; i < args.count; i++) {
      const id = call.integer(i, "ERR Invalid client ID");
      if (Number.isNaN(id)) return;
      const session = engine.sessions.get(id);
      if (session !== undefined) sessions.push(session);
    }
  } else if (args.count !== 2) {
    reply.error(SYNTAX_ERROR);
    return;
  }
  reply.verbatim(sessions.map((session) => `${clientInfo(session, nowMs)}\n`).join(""));
}

function pause(call: Call): void {
  const { args, reply, engine, nowMs } = call;
  if (args.count > 4) {
    refuseSubcommand(call);
    return;
  }
  const isWrite = args.count === 4 && args.isWord(3, "WRITE");
  if (args.count === 4 && !isWrite && !args.isWord(3, "ALL")) {
    reply.error("ERR CLIENT PAUSE mode must be WRITE or ALL");
    return;
  }
  const durationMs = call.integer(2, "ERR timeout is not an integer or out of range");
  if (Number.isNaN(durationMs)) return;
  if (durationMs < 0) {
    reply.error("ERR timeout is negative");
    return;
  }
  engine.sessions.pause(nowMs + durationMs, isWrite ? "write" : "all", nowMs);
  reply.ok();
}

function setReplyMode({ args, reply, session }: Call): void {
  if (args.isWord(2, "ON")) {
    session.replyMode = ReplyMode.on;
    reply.ok();
  } else if (args.isWord(2, "OFF")) session.replyMode = ReplyMode.off;
  else if (args.isWord(2, "SKIP")) {
    if (session.replyMode !== ReplyMode.off) session.replyMode = ReplyMode.skipNext;
  } else reply.error(SYNTAX_ERROR);
}

function setName({ args, reply, session }: Call): void {
  const fault = setClientName(session, args.text(2));
  if (fault === undefined) reply.ok();
  else reply.error(fault);
}

function getName({ reply, session }: Call): void {
  if (session.name === "") reply.nil();
  else reply.bulkText(session.name);
}

function unblock(call: Call): void {
  const { args, reply, engine } = call;
  if (args.count > 4) {
    refuseSubcommand(call);
    return;
  }
  const withError = args.count === 4 && args.isWord(3, "ERROR");
  if (args.count === 4 && !withError && !args.isWord(3, "TIMEOUT")) {
    reply.error("ERR CLIENT UNBLOCK reason should be TIMEOUT or ERROR");
    return;
  }
  const id = call.integer(2);
  if (Number.isNaN(id)) return;
  const session = engine.sessions.get(id);
  reply.integer(session?.isBlocked && engine.blocked.unblock(session, withError) ? 1 : 0);
}

function noEvict({ args, reply, session }: Call): void {
  if (!args.isWord(2, "ON") && !args.isWord(2, "OFF")) {
    reply.error(SYNTAX_ERROR);
    return;
  }
  session.isNoEvict = args.isWord(2, "ON");
  reply.ok();
}

function tracking({ args, reply }: Call): void {
  if (args.isWord(2, "OFF")) reply.ok();
  else reply.error(args.isWord(2, "ON") ? NO_TRACKING : SYNTAX_ERROR);
}

function trackingInfo({ reply }: Call): void {
  reply.map(3);
  reply.bulkText("flags");
  reply.set(1);
  reply.bulkText("off");
  reply.bulkText("redirect");
  reply.integer(-1);
  reply.bulkText("prefixes");
  reply.array(0);
}

function unpause({ reply, engine }: Call): void {
  engine.sessions.unpause();
  reply.ok();
}

/** CLIENT and its subcommands. */
export const CLIENT_HANDLERS: Readonly<Record<string, Handler>> = {
  "client|caching": ({ reply }) => reply.error(NOT_TRACKING),
  "client|getname": getName,
  "client|getredir": ({ reply }) => reply.integer(-1),
  "client|help": ({ reply }) => writeHelp(reply, "CLIENT", HELP),
  "client|id": ({ reply, session }) => reply.integer(session.id),
  "client|info": ({ reply, session, nowMs }) => reply.verbatim(`${clientInfo(session, nowMs)}\n`),
  "client|kill": kill,
  "client|list": list,
  "client|no-evict": noEvict,
  "client|pause": pause,
  "client|reply": setReplyMode,
  "client|setname": setName,
  "client|tracking": tracking,
  "client|trackinginfo": trackingInfo,
  "client|unblock": unblock,
  "client|unpause": unpause,
};
