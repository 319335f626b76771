import type { Args } from "../../protocol/args.ts";
import { parseInt64 } from "../../protocol/numbers.ts";
import { NO_PASSWORD_SET } from "../acl/index.ts";
import type { Call } from "../call.ts";
import type { Handler } from "../command.ts";
import { SYNTAX_ERROR } from "../replies.ts";
import type { Session } from "../session.ts";

/** The version of Redis that clients may believe to speak to. */
export const REDIS_VERSION = "7.0.15";

const BAD_NAME = "ERR Client names cannot contain spaces, newlines or special characters.";
const LOGIN_FIRST =
  "NOAUTH HELLO must be called with the client already authenticated, otherwise the HELLO <proto> AUTH <user> <pass> " +
  "option can be used to authenticate the client and select the RESP protocol version at the same time";

function auth(call: Call): void {
  const { args, reply } = call;
  if (args.count > 3) {
    reply.error(SYNTAX_ERROR);
    return;
  }
  const name = args.count === 3 ? args.text(1) : undefined;
  if (login(call, name, args.view(args.count - 1))) reply.ok();
}

/** Logs the session in. Returns whether it did; otherwise the error is replied. */
function login(call: Call, name: string | undefined, password: Uint8Array): boolean {
  const { engine, session, args } = call;
  const result = engine.users.authenticate(name, password);
  if (result.user === undefined) {
    if (result.error !== NO_PASSWORD_SET) {
      engine.observer.noteWrongPassword(session, name ?? "default", args, call.nowMs);
    }
    call.reply.error(result.error);
    return false;
  }
  session.user = result.user;
  session.isAuthenticated = true;
  return true;
}

interface HelloOptions {
  readonly login?: { readonly name: string; readonly password: Uint8Array };
  readonly clientName?: string;
}

function hello(call: Call): void {
  const { args, reply, session, engine } = call;
  let version = 0;
  if (args.count > 1) {
    const given = parseInt64(args.bytes, args.starts[1]!, args.ends[1]!);
    if (given === undefined) {
      reply.error("ERR Protocol version is not an integer or out of range");
      return;
    }
    if (given !== 2n && given !== 3n) {
      reply.error("NOPROTO unsupported protocol version");
      return;
    }
    version = Number(given);
  }
  const options = readHelloOptions(args);
  if (typeof options === "string") {
    reply.error(options);
    return;
  }
  if (options.login !== undefined && !login(call, options.login.name, options.login.password)) return;
  if (!session.isAuthenticated && engine.users.isLoginNeeded) {
    reply.error(LOGIN_FIRST);
    return;
  }
  if (options.clientName !== undefined) session.name = options.clientName;
  if (version !== 0) {
    session.resp = version;
    reply.resp = version;
  }
  writeHello(call);
}

/** @returns The error if they are wrong. */
function readHelloOptions(args: Args): HelloOptions | string {
  let options: HelloOptions = {};
  for (let i = 2; i < args.count; i++) {
    const left = args.count - 1 - i;
    if (args.isWord(i, "AUTH") && left >= 2) {
      options = { ...options, login: { name: args.text(i + 1), password: args.view(i + 2) } };
      i += 2;
    } else if (args.isWord(i, "SETNAME") && left >= 1) {
      const clientName = args.text(i + 1);
      if (!isClientName(clientName)) return BAD_NAME;
      options = { ...options, clientName };
      i++;
    } else return `ERR Syntax error in HELLO option '${args.text(i)}'`;
  }
  return options;
}

function writeHello({ reply, session }: Call): void {
  reply.map(7);
  reply.bulkText("server");
  reply.bulkText("redis");
  reply.bulkText("version");
  reply.bulkText(REDIS_VERSION);
  reply.bulkText("proto");
  reply.integer(session.resp);
  reply.bulkText("id");
  reply.integer(session.id);
  reply.bulkText("mode");
  reply.bulkText("standalone");
  reply.bulkText("role");
  reply.bulkText("master");
  reply.bulkText("modules");
  reply.array(0);
}

/** Names a session; an empty name is none. Returns the error if it is no name. */
export function setClientName(session: Session, name: string): string | undefined {
  if (!isClientName(name)) return BAD_NAME;
  session.name = name;
  return undefined;
}

/** Whether all of it can be printed and is no blank, so that CLIENT LIST stays readable. */
function isClientName(name: string): boolean {
  return /^[!-~]*$/.test(name);
}

/** Commands with which a client says who it is. */
export const AUTH_HANDLERS: Readonly<Record<string, Handler>> = { auth, hello };
