import { CallAccess } from "../access-list.ts";
import { allowsReadingAnyKey } from "../acl/index.ts";
import type { Call } from "../call.ts";
import { SYNTAX_ERROR } from "../replies.ts";

const STAR = 42;

/** What SORT is told behind its key. */
export interface SortOptions {
  isDescending: boolean;
  isAlpha: boolean;
  /** Elements to leave out in front. */
  offset: number;
  /** Elements at most; negative is all. */
  limit: number;
  /** The pattern of BY; `undefined` sorts by the elements. */
  by: Uint8Array | undefined;
  /** BY has no `*`: the elements stay as they come. */
  isUnsorted: boolean;
  gets: Uint8Array[];
  /** The argument that names the key to store at, or 0. */
  storeIndex: number;
}

/** `undefined`, and the error is replied, if the options are wrong. */
export function readSortOptions(call: Call, isReadOnly: boolean): SortOptions | undefined {
  const { args, reply } = call;
  const options: SortOptions = {
    isDescending: false,
    isAlpha: false,
    offset: 0,
    limit: -1,
    by: undefined,
    isUnsorted: false,
    gets: [],
    storeIndex: 0,
  };
  for (let i = 2; i < args.count; i++) {
    const left = args.count - i - 1;
    if (args.isWord(i, "ASC")) options.isDescending = false;
    else if (args.isWord(i, "DESC")) options.isDescending = true;
    else if (args.isWord(i, "ALPHA")) options.isAlpha = true;
    else if (left >= 2 && args.isWord(i, "LIMIT")) {
      options.offset = call.integer(i + 1);
      if (Number.isNaN(options.offset)) return undefined;
      options.limit = call.integer(i + 2);
      if (Number.isNaN(options.limit)) return undefined;
      i += 2;
    } else if (left >= 1 && !isReadOnly && args.isWord(i, "STORE")) options.storeIndex = ++i;
    else if (left >= 1 && args.isWord(i, "BY")) {
      options.by = args.copy(++i);
      if (!hasStar(options.by)) options.isUnsorted = true;
      else if (!mayReadAnyKey(call, "BY")) return undefined;
    } else if (left >= 1 && args.isWord(i, "GET")) {
      if (!mayReadAnyKey(call, "GET")) return undefined;
      options.gets.push(args.copy(++i));
    } else {
      reply.error(SYNTAX_ERROR);
      return undefined;
    }
  }
  return options;
}

/** Whether there is a `*` before the first zero byte, where C ends. */
function hasStar(pattern: Uint8Array): boolean {
  const star = pattern.indexOf(STAR);
  const zero = pattern.indexOf(0);
  return star >= 0 && (zero < 0 || star < zero);
}

function mayReadAnyKey({ args, command, reply, session }: Call, option: string): boolean {
  if (session.isInternal || session.user.isUnrestricted) return true;
  const access = new CallAccess();
  access.find(command.facts, args);
  if (allowsReadingAnyKey(session.user, command, args, access)) return true;
  reply.error(`ERR ${option} option of SORT denied due to insufficient ACL permissions`);
  return false;
}
