import type { Call } from "../call.ts";
import type { Handler } from "../command.ts";
import { ReplyMode } from "../session.ts";
import { DATABASE_COUNT } from "../store.ts";

function ping({ args, reply, session }: Call): void {
  if (args.count > 2) {
    reply.error("ERR wrong number of arguments for 'ping' command");
    return;
  }
  if (session.subscriptionCount > 0 && session.resp === 2) {
    reply.array(2);
    reply.bulkText("pong");
    if (args.count === 2) reply.bulk(args.bytes, args.starts[1]!, args.ends[1]!);
    else reply.bulkText("");
  } else if (args.count === 2) reply.bulk(args.bytes, args.starts[1]!, args.ends[1]!);
  else reply.simple("PONG");
}

function echo({ args, reply }: Call): void {
  reply.bulk(args.bytes, args.starts[1]!, args.ends[1]!);
}

function select(call: Call): void {
  const index = call.integer(1);
  if (Number.isNaN(index)) return;
  if (index < 0 || index >= DATABASE_COUNT) {
    call.reply.error("ERR DB index is out of range");
    return;
  }
  call.session.database = index;
  call.reply.ok();
}

function quit({ reply, session }: Call): void {
  session.isClosing = true;
  reply.ok();
}

/** Everything is as on a new connection. */
function reset({ engine, reply, session }: Call): void {
  engine.forget(session);
  engine.sessions.monitors.delete(session);
  session.isMonitoring = false;
  session.replyMode = ReplyMode.on;
  session.database = 0;
  session.resp = 2;
  session.name = "";
  session.user = engine.users.defaultUser;
  session.isAuthenticated = !engine.users.isLoginNeeded;
  reply.resp = 2;
  reply.simple("RESET");
}

/** Commands about the connection itself. */
export const CONNECTION_HANDLERS: Readonly<Record<string, Handler>> = { ping, echo, select, quit, reset };
