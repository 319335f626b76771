import type { Call } from "../call.ts";
import type { Handler } from "../command.ts";
import type { CompiledScript, Scripts } from "../scripts.ts";

const NO_LUA = "ERR Scripts cannot be run: this server was started without Lua";
const NO_SCRIPT = "NOSCRIPT No matching script. Please use EVAL.";
const SHA_LENGTH = 40;

/** The scripts, or `undefined` and the error is replied. */
function scriptsOf({ engine, reply, session }: Call): Scripts | undefined {
  if (engine.scripts !== undefined) return engine.scripts;
  // Whoever reads the log without Lua would make another store: better none.
  if (session.isInternal) throw new Error("The log has a script: give the engine `scripts` to read it");
  reply.error(NO_LUA);
  return undefined;
}

/** How many keys the call names; -1, and the error is replied, if that is wrong. */
function keyCountOf(call: Call): number {
  const count = call.integer(2);
  if (Number.isNaN(count)) return -1;
  if (count > call.args.count - 3) call.reply.error("ERR Number of keys can't be greater than number of args");
  else if (count < 0) call.reply.error("ERR Number of keys can't be negative");
  else return count;
  return -1;
}

function evaluating(isBySha: boolean, isReadOnly: boolean): Handler {
  return (call) => {
    const { args, reply } = call;
    const scripts = scriptsOf(call);
    if (scripts === undefined) return;
    if (isBySha && args.sizeOf(1) !== SHA_LENGTH) {
      reply.error(NO_SCRIPT);
      return;
    }
    const keyCount = keyCountOf(call);
    if (keyCount < 0) return;
    const compiled = isBySha ? findSha(scripts, args.text(1)) : scripts.engine.compile(args.view(1), false);
    if (compiled.kind === "error") {
      reply.error(compiled.message);
      return;
    }
    const { sha, flags } = compiled;
    const values = args.views(3);
    scripts.run(call, {
      ...{ sha, flags, isReadOnly },
      source: isBySha ? (scripts.engine.sourceOf(sha) as Uint8Array) : args.view(1),
      keys: values.slice(0, keyCount),
      argv: values.slice(keyCount),
    });
  };
}

function findSha(scripts: Scripts, sha: string): CompiledScript {
  return scripts.engine.find(sha.toLowerCase()) ?? { kind: "error", message: NO_SCRIPT };
}

function load(call: Call): void {
  const compiled = scriptsOf(call)?.engine.compile(call.args.view(2), true);
  if (compiled === undefined) return;
  if (compiled.kind === "error") call.reply.error(compiled.message);
  else call.reply.bulkText(compiled.sha);
}

function exists(call: Call): void {
  const { args, engine, reply } = call;
  reply.array(args.count - 2);
  for (let i = 2; i < args.count; i++) reply.integer(engine.scripts?.engine.has(args.text(i).toLowerCase()) ? 1 : 0);
}

function flush({ args, engine, reply }: Call): void {
  if (args.count > 3 || (args.count === 3 && !args.isWord(2, "SYNC") && !args.isWord(2, "ASYNC"))) {
    reply.error("ERR SCRIPT FLUSH only support SYNC|ASYNC option");
    return;
  }
  engine.scripts?.engine.flush();
  reply.ok();
}

/** Nothing else is done while a script runs, so there is never one to be killed: those that take too long are stopped. */
function kill({ reply }: Call): void {
  reply.error("NOTBUSY No scripts in execution right now.");
}

function debug({ args, reply }: Call): void {
  if (args.isWord(2, "NO")) reply.ok();
  else if (args.isWord(2, "YES") || args.isWord(2, "SYNC")) {
    reply.error("ERR The debugger of scripts is not there. Use redis.log or return what you want to see");
  } else reply.error("ERR Use SCRIPT DEBUG YES/SYNC/NO");
}

const HELP = [
  "SCRIPT <subcommand> [<arg> [value] [opt] ...]. Subcommands are:",
  "DEBUG (YES|SYNC|NO)",
  "    NO is all there is: this server has no debugger.",
  "EXISTS <sha1> [<sha1> ...]",
  "    Tells of each script whether it is kept.",
  "FLUSH [ASYNC|SYNC]",
  "    Forgets all scripts.",
  "KILL",
  "    Never finds one: a script that takes too long is stopped by itself.",
  "LOAD <script>",
  "    Keeps a script without running it, and replies its SHA-1.",
  "HELP",
  "    Prints this help.",
];

function help({ reply }: Call): void {
  reply.array(HELP.length);
  for (const line of HELP) reply.simple(line);
}

/** Commands of Lua scripts. */
export const SCRIPT_HANDLERS: Readonly<Record<string, Handler>> = {
  eval: evaluating(false, false),
  eval_ro: evaluating(false, true),
  evalsha: evaluating(true, false),
  evalsha_ro: evaluating(true, true),
  "script|load": load,
  "script|exists": exists,
  "script|flush": flush,
  "script|kill": kill,
  "script|debug": debug,
  "script|help": help,
};
