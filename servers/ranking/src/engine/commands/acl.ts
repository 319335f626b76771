import { Args } from "../../protocol/args.ts";
import { CallAccess } from "../access-list.ts";
import {
  categoryReply,
  dryRunReply,
  formatUserFile,
  generatePasswordReply,
  getUserReply,
  loadUserFile,
  logReply,
  type User,
} from "../acl/index.ts";
import type { Call } from "../call.ts";
import type { Handler } from "../command.ts";
import { writeAclReply } from "./acl-reply-writer.ts";
import { type HelpRow, writeHelp } from "./help.ts";
import { refuseSubcommand } from "./subcommand-error.ts";

const NO_FILE =
  "ERR This Redis instance is not configured to use an ACL file. You may want to specify users via the ACL SETUSER " +
  "command and then issue a CONFIG REWRITE (assuming you have a Redis configuration file set) in order to store users " +
  "in the Redis configuration.";

const HELP: readonly HelpRow[] = [
  ["CAT [<category>]", "Lists the categories of commands, or the commands of one."],
  ["DELUSER <username> [<username> ...]", "Deletes users and closes their connections."],
  ["DRYRUN <username> <command> [<arg> ...]", "Tells whether the user could run the command, without running it."],
  ["GENPASS [<bits>]", "Makes a password of so many random bits, 256 if not said."],
  ["GETUSER <username>", "Shows what is set for a user."],
  ["LIST", "Shows all users as the rules that make them."],
  ["LOAD", "Reads the users again from the ACL file, all or none."],
  ["LOG [<count> | RESET]", "Shows what was refused of late, or forgets it."],
  ["SAVE", "Writes the users into the ACL file."],
  ["SETUSER <username> [<rule> ...]", "Makes a user or changes one, all rules or none."],
  ["USERS", "Lists the names of all users."],
  ["WHOAMI", "Tells who this connection is."],
];

function optional({ args }: Call, index: number): string | undefined {
  return args.count > index ? args.text(index) : undefined;
}

function cat(call: Call): void {
  if (call.args.count > 3) refuseSubcommand(call);
  else writeAclReply(call.reply, categoryReply(call.engine.users, optional(call, 2)));
}

function texts({ args }: Call, first: number): string[] {
  return Array.from({ length: args.count - first }, (_, i) => args.text(first + i));
}

function setUser(call: Call): void {
  const { engine, reply } = call;
  const result = engine.users.setUser(call.args.text(2), texts(call, 3));
  if (result.error !== undefined) {
    reply.error(result.error);
    return;
  }
  const { user, keptChannels } = result;
  if (keptChannels !== undefined) {
    for (const session of [...engine.sessions.all()]) {
      if (session.user !== user || session.subscriptionCount === 0) continue;
      if (!engine.pubsub.isWithin(session, keptChannels)) engine.close(session);
    }
  }
  reply.ok();
}

function closeSessionsOf(call: Call, users: readonly User[]): void {
  const { engine } = call;
  const removed = new Set(users);
  for (const session of [...engine.sessions.all()]) {
    if (!removed.has(session.user)) continue;
    engine.close(session);
    // Until the connection is gone it may do nothing: its user is no more.
    session.isAuthenticated = false;
    session.user = engine.users.defaultUser;
  }
}

function deleteUser(call: Call): void {
  const result = call.engine.users.deleteUsers(texts(call, 2));
  if (result.error !== undefined) {
    call.reply.error(result.error);
    return;
  }
  closeSessionsOf(call, result.removed);
  call.reply.integer(result.removed.length);
}

function dryRun({ args, engine, reply }: Call): void {
  const inner = new Args();
  inner.copyFrom(args, 3);
  const access = new CallAccess();
  const findAccess = (name: string): CallAccess => {
    const command = engine.commands.get(name);
    if (command !== undefined) access.find(command.facts, inner);
    return access;
  };
  writeAclReply(reply, dryRunReply(engine.users, args.text(2), inner, findAccess));
}

function generatePassword(call: Call): void {
  if (call.args.count > 3) refuseSubcommand(call);
  else writeAclReply(call.reply, generatePasswordReply(optional(call, 2), call.engine.shell.randomBytes));
}

function log(call: Call): void {
  if (call.args.count > 3) refuseSubcommand(call);
  else writeAclReply(call.reply, logReply(call.engine.observer.aclLog, optional(call, 2), call.nowMs));
}

function load(call: Call): void {
  const { engine, reply } = call;
  const path = engine.shell.userFilePath;
  if (path === "") {
    reply.error(NO_FILE);
    return;
  }
  const file = engine.shell.readUserFile();
  if ("error" in file) {
    reply.error(file.error);
    return;
  }
  const result = loadUserFile(engine.users, file.content, path);
  if (result.error !== undefined) {
    reply.error(`ERR ${result.error}`);
    return;
  }
  closeSessionsOf(call, result.removed);
  reply.ok();
}

function save({ engine, reply }: Call): void {
  const fault = engine.shell.userFilePath === "" ? NO_FILE : engine.shell.writeUserFile(formatUserFile(engine.users));
  if (fault === "") reply.ok();
  else reply.error(fault);
}

/** ACL and its subcommands. */
export const ACL_HANDLERS: Readonly<Record<string, Handler>> = {
  "acl|cat": cat,
  "acl|deluser": deleteUser,
  "acl|dryrun": dryRun,
  "acl|genpass": generatePassword,
  "acl|getuser": ({ reply, engine, args }) => writeAclReply(reply, getUserReply(engine.users, args.text(2))),
  "acl|help": ({ reply }) => writeHelp(reply, "ACL", HELP),
  "acl|list": ({ reply, engine }) => writeAclReply(reply, engine.users.lines()),
  "acl|load": load,
  "acl|log": log,
  "acl|save": save,
  "acl|setuser": setUser,
  "acl|users": ({ reply, engine }) =>
    writeAclReply(
      reply,
      engine.users.sorted().map(({ name }) => name),
    ),
  "acl|whoami": ({ reply, session }) => reply.bulkText(session.user.name),
};
