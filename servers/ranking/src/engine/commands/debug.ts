import type { Call } from "../call.ts";
import type { Handler } from "../command.ts";
import { ValueType } from "../container.ts";
import { digestStore, digestValue } from "../digest/store-digest.ts";
import { matchesGlob } from "../glob.ts";
import { usedBytesOf } from "../key-record.ts";
import { NO_SUCH_KEY } from "../replies.ts";
import { isAllowed } from "./config.ts";
import { type HelpRow, writeHelp } from "./help.ts";

const NOT_ALLOWED =
  'ERR DEBUG command not allowed. If the enable-debug-command option is set to "local", you can run it from a local ' +
  "connection, otherwise you need to set this option in the configuration file, and then restart the server.";

const HELP: readonly HelpRow[] = [
  ["DIGEST", "Hashes all keys of all databases with their values and expiry: 128 bits, other ones than Redis's."],
  ["DIGEST-VALUE <key> [<key> ...]", "Hashes the value of each key, without its name and expiry."],
  ["OBJECT <key>", "Shows how a value is kept."],
  ["SET-ACTIVE-EXPIRE (0|1)", "Says whether keys are removed before somebody looks for them."],
  ["STRINGMATCH-LEN <len> <pattern>", "Matches a pattern against so many letters."],
];

function debug(call: Call): void {
  const { args, reply, engine, session } = call;
  if (!isAllowed(engine.config.get("enable-debug-command"), session.address)) {
    reply.error(NOT_ALLOWED);
    return;
  }
  if (args.isWord(1, "HELP")) writeHelp(reply, "DEBUG", HELP);
  else if (args.isWord(1, "DIGEST") && args.count === 2) reply.simple(digestStore(engine.store));
  else if (args.isWord(1, "DIGEST-VALUE") && args.count > 2) digestValues(call);
  else if (args.isWord(1, "OBJECT") && args.count === 3) debugObject(call);
  else if (args.isWord(1, "SET-ACTIVE-EXPIRE") && args.count === 3) {
    engine.expiresActively = !args.isWord(2, "0");
    reply.ok();
  } else if (args.isWord(1, "STRINGMATCH-LEN") && args.count === 4) matchLength(call);
  else if (args.isWord(1, "SLEEP")) {
    reply.error("ERR DEBUG SLEEP is not available: the whole server would stop. CLIENT PAUSE holds commands back");
  } else {
    const name = args.text(1).slice(0, 128);
    reply.error(`ERR unknown subcommand or wrong number of arguments for '${name}'. Try DEBUG HELP.`);
  }
}

function debugObject({ args, reply, db, store }: Call): void {
  const record = db.peek(args.bytes, args.starts[2]!, args.ends[2]!);
  if (record === 0) {
    reply.error(NO_SUCH_KEY);
    return;
  }
  let encoding = "embstr";
  if (db.typeOf(record) !== ValueType.string) encoding = db.containerOf(record).encoding;
  else if (db.isRaw(record)) encoding = "raw";
  const word = db.accessOf(record);
  const idle = store.access.isLfu ? 0 : store.access.idleSeconds(word);
  const bytes = usedBytesOf(store.heap, store.objects, record);
  reply.simple(
    `Value at:0x${record.toString(16)} refcount:1 encoding:${encoding} serializedlength:${bytes} lru:${word} lru_seconds_idle:${idle}`,
  );
}

function digestValues({ args, reply, db }: Call): void {
  reply.array(args.count - 2);
  for (let i = 2; i < args.count; i++) {
    reply.simple(digestValue(db, db.peek(args.bytes, args.starts[i]!, args.ends[i]!)));
  }
}

/** Tests of clients use it to see that a wild pattern ends soon. */
function matchLength(call: Call): void {
  const { args, reply } = call;
  const length = call.integer(2);
  if (Number.isNaN(length)) return;
  const text = new Uint8Array(Math.max(0, Math.min(length, 1_048_576))).fill(97);
  const pattern = args.view(3);
  reply.integer(matchesGlob(pattern, 0, pattern.length, text, 0, text.length, false) ? 1 : 0);
}

/** DEBUG, of which only little is there; as in Redis it must be allowed at the start. */
export const DEBUG_HANDLERS: Readonly<Record<string, Handler>> = { debug };
