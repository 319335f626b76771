import type { Call } from "../call.ts";
import type { Handler } from "../command.ts";
import { infoText } from "../info/info.ts";
import { SYNTAX_ERROR } from "../replies.ts";
import { REDIS_VERSION } from "./auth.ts";

function info({ args, reply, engine }: Call): void {
  const sections = Array.from({ length: args.count - 1 }, (_, i) => args.text(1 + i).toLowerCase());
  reply.verbatim(infoText(engine, sections));
}

/** The batch's time: what a script or a transaction sees does not change while it runs. */
function time({ reply, nowMs }: Call): void {
  reply.array(2);
  reply.bulkInteger(Math.floor(nowMs / 1_000));
  reply.bulkInteger(Math.floor(1_000 * (nowMs % 1_000)));
}

function lastSave({ reply, engine }: Call): void {
  reply.integer(Math.floor(engine.shell.state().persistence.lastSaveMs / 1_000));
}

function answer({ reply }: Call, fault: string, done: string): void {
  if (fault === "") reply.simple(done);
  else reply.error(fault);
}

function saveInBackground(call: Call): void {
  const { args, reply, engine } = call;
  if (args.count > 2 || (args.count === 2 && !args.isWord(1, "SCHEDULE"))) reply.error(SYNTAX_ERROR);
  else answer(call, engine.shell.saveInBackground(), "Background saving started");
}

function shutdown({ args, reply, engine, session }: Call): void {
  const words = Array.from({ length: args.count - 1 }, (_, i) => args.text(1 + i).toLowerCase());
  const has = (word: string): boolean => words.includes(word);
  const isKnown = words.every((word) => ["nosave", "save", "now", "force", "abort"].includes(word));
  if (!isKnown || (has("save") && has("nosave")) || (has("abort") && words.some((word) => word !== "abort"))) {
    reply.error(SYNTAX_ERROR);
    return;
  }
  if (has("abort")) {
    const fault = engine.shell.abortShutdown();
    if (fault === "") reply.ok();
    else reply.error(fault);
    return;
  }
  let saves: boolean | undefined;
  if (has("save")) saves = true;
  else if (has("nosave")) saves = false;
  const fault = engine.shell.shutdown({ saves, isNow: has("now"), isForced: has("force") });
  // One that has begun answers by closing the connection.
  if (fault === "") session.isClosing = true;
  else reply.error(fault);
}

function role({ reply }: Call): void {
  reply.array(3);
  reply.bulkText("master");
  reply.integer(0);
  reply.array(0);
}

/** There are no replicas in Redis's sense, so nobody waits: zero of them have it. */
function wait(call: Call): void {
  if (Number.isNaN(call.integer(1))) return;
  const timeoutMs = call.integer(2, "ERR timeout is not an integer or out of range");
  if (Number.isNaN(timeoutMs)) return;
  if (timeoutMs < 0) call.reply.error("ERR timeout is negative");
  else call.reply.integer(0);
}

function monitor({ reply, session, engine }: Call): void {
  if (engine.isNested) {
    reply.error("ERR MONITOR isn't allowed for DENY BLOCKING client");
    return;
  }
  session.isMonitoring = true;
  engine.sessions.monitors.add(session);
  reply.ok();
}

function replicaOf({ args, reply }: Call): void {
  if (args.isWord(1, "NO") && args.isWord(2, "ONE")) reply.ok();
  else {
    reply.error(
      "ERR This server cannot follow another one: copies are kept through the replicated log, see its configuration",
    );
  }
}

const MIRROR_SIZE = 9;

/** A square that is its own mirror image in both directions, another one for each time. */
function lolwut({ reply, nowMs }: Call): void {
  let seed = Math.floor(nowMs) % 0x7fff_ffff;
  const half = Math.ceil(MIRROR_SIZE / 2);
  const quarter = Array.from({ length: half * half }, () => {
    seed = (Math.imul(seed, 48_271) + 11) & 0x7fff_ffff;
    return seed % 3 === 0 ? "#" : ".";
  });
  let text = "";
  for (let y = 0; y < MIRROR_SIZE; y++) {
    for (let x = 0; x < MIRROR_SIZE; x++) {
      text += quarter[Math.min(y, MIRROR_SIZE - 1 - y) * half + Math.min(x, MIRROR_SIZE - 1 - x)];
    }
    text += "\n";
  }
  reply.verbatim(`${text}Kagami (a mirror). Redis ver. ${REDIS_VERSION}\n`);
}

/** Commands about the server as a whole. */
export const SERVER_HANDLERS: Readonly<Record<string, Handler>> = {
  bgrewriteaof: (call) => answer(call, call.engine.shell.compactLog(), "Background append only file rewriting started"),
  bgsave: saveInBackground,
  info,
  lastsave: lastSave,
  lolwut,
  monitor,
  replicaof: replicaOf,
  role,
  save: (call) => answer(call, call.engine.shell.save(), "OK"),
  shutdown,
  slaveof: replicaOf,
  time,
  wait,
};
