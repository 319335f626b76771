import { hasSpaces, lowerAscii, untilZero } from "./byte-text.ts";
import { describeUser } from "./describe.ts";
import { mergeSelectors } from "./merge-selectors.ts";
import { ruleFaultText } from "./rule-faults.ts";
import { User } from "./user.ts";
import type { AclUsers } from "./users.ts";

/** What loading did: `error` tells of all that is wrong, and nothing has changed; else whose sessions must be closed. */
export type LoadResult = { readonly error: string } | { readonly error?: undefined; readonly removed: readonly User[] };

const UNCHANGED = "WARNING: ACL errors detected, no change to the previously active ACL rules was performed";

/** The content of an ACL file for ACL SAVE, byte text. */
export function formatUserFile(users: AclUsers): string {
  return users
    .sorted()
    .map((user) => `${describeUser(user, users.context.index)}\n`)
    .join("");
}

/**
 * ACL LOAD: takes the users of an ACL file in place of all there are, or none if any line is wrong. A file without a
 * line for `default` resets it to what it is without any configuration.
 *
 * @param content Byte text.
 * @param path Shown in errors, byte text.
 * @returns The error as Redis words it, without the `-ERR ` of a reply, as the log at startup shows it too.
 */
export function loadUserFile(users: AclUsers, content: string, path: string): LoadResult {
  const { limits } = users.context;
  if (content.length > limits.fileBytes) {
    return { error: `${path}: has ${content.length} bytes, more than ${limits.fileBytes}. ${UNCHANGED}` };
  }
  const loaded = new Map<string, User>();
  let errors = "";
  for (const [at, untrimmed] of content.split("\n").entries()) {
    const line = untrimmed.replace(/^[ \t\r\n]+|[ \t\r\n]+$/g, "");
    if (line !== "") errors += loadLine(users, loaded, line, path, at + 1);
  }
  if (totalAfter(loaded, []) > limits.users) errors += `${path}: more than ${limits.users} users, default included. `;
  if (errors !== "") return { error: (errors + UNCHANGED).replace(/[\r\n]/g, " ") };
  return { removed: users.replaceAll([...loaded.values()]) };
}

/** @returns What is wrong with the line; empty if nothing. */
function loadLine(users: AclUsers, loaded: Map<string, User>, line: string, path: string, lineNumber: number): string {
  const { context } = users;
  const place = `${path}:${lineNumber}`;
  const [keyword, name, ...words] = line.split(" ");
  if (keyword !== "user" || name === undefined) {
    return `${place} should start with user keyword followed by the username. `;
  }
  if (hasSpaces(name)) return `'${place}: username '${untilZero(name)}' contains invalid characters. `;
  if (loaded.has(name)) return `WARNING: Duplicate user '${name}' found on line ${lineNumber}. `;
  if (line.length > context.limits.ruleBytes) return `${place}: more than ${context.limits.ruleBytes} bytes. `;
  const user = new User(name, context);
  loaded.set(name, user);
  const merged = mergeSelectors(words);
  if (merged.unclosed !== undefined) return `${place}: Unmatched parenthesis in selector definition.`;
  let errors = "";
  let isBroken = false;
  for (const untrimmed of merged.rules) {
    const rule = untrimmed.replace(/^[\t\r\n]+|[\t\r\n]+$/g, "");
    const fault = user.apply(rule, context);
    if (fault === undefined) continue;
    const text = ruleFaultText(fault, context.limits);
    if (fault === "unknown-name") {
      errors += `${place}: Error in applying operation '${untilZero(rule)}': ${text}. `;
    } else if (!isBroken) {
      // Later faults may follow from the first; and a rule may be a password, so it is not shown.
      errors += `${place}: ${text}. `;
      isBroken = true;
    }
  }
  user.settle();
  return errors;
}

function totalAfter(users: ReadonlyMap<string, User>, kept: readonly User[]): number {
  const hasDefault = users.has("default") || kept.some((user) => user.name === "default");
  return users.size + kept.length + (hasDefault ? 0 : 1);
}

/** A `user` line of a configuration file, split into its words; `words[0]` is `user`. All byte text. */
export interface UserDeclaration {
  readonly lineNumber: number;
  readonly words: readonly string[];
}

/**
 * Applies the `user` lines of a configuration at startup: new users, and `default` from a reset state. All or none.
 *
 * @returns One message a wrong line, with its number; empty when all were applied.
 */
export function declareUsers(users: AclUsers, declarations: readonly UserDeclaration[]): string[] {
  const { limits } = users.context;
  const declared = new Map<string, User>();
  const errors: string[] = [];
  for (const { lineNumber, words } of declarations) {
    const error = declareUser(users, declared, words);
    if (error !== undefined) errors.push(`line ${lineNumber}: ${error}`);
  }
  if (errors.length > 0) return errors;
  const kept = users.sorted().filter((user) => !declared.has(user.name));
  if (totalAfter(declared, kept) > limits.users) return [`more than ${limits.users} users, default included`];
  users.replaceAll([...kept, ...declared.values()]);
  return [];
}

function declareUser(users: AclUsers, declared: Map<string, User>, words: readonly string[]): string | undefined {
  const { context } = users;
  const [keyword = "", name, ...rules] = words;
  if (lowerAscii(keyword) !== "user" || name === undefined) {
    return `Error in user declaration '${keyword}': should be 'user <username> <rules>'`;
  }
  if (hasSpaces(name)) return "Spaces not allowed in ACL usernames";
  if (declared.has(name)) {
    return `Error in user declaration '${name}': Duplicate user found. A user can only be defined once in config files`;
  }
  const ruleBytes = rules.reduce((sum, rule) => sum + rule.length, 0);
  if (ruleBytes > context.limits.ruleBytes) {
    return `Error in user declaration '${name}': its rules have ${ruleBytes} bytes, more than ${context.limits.ruleBytes}`;
  }
  const user = new User(name, context);
  declared.set(name, user);
  if (name === "default") user.apply("reset", context);
  const merged = mergeSelectors(rules);
  if (merged.unclosed !== undefined) {
    return `Error in user declaration '${rules[merged.unclosed]}': Unmatched parenthesis in selector definition`;
  }
  for (const rule of merged.rules) {
    const fault = user.apply(rule, context);
    if (fault === undefined) continue;
    return `Error loading ACL rule '${untilZero(rule)}' for the user named '${name}': ${ruleFaultText(fault, context.limits)}`;
  }
  user.settle();
  return undefined;
}
