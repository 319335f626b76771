import { ascii, isWord } from "./ascii.ts";
import { CommandId } from "./codes.ts";

/** Id of no command: the client is told `ERROR`. */
const UNKNOWN_COMMAND = -1;
/** Id of commands that would act on one server only, or on the process: refused. */
export const REFUSED_COMMAND = -2;

/** Words of up to four letters, packed; the others are compared one by one. */
const LONG_WORDS: readonly (readonly [Uint8Array, number])[] = [
  [ascii("delete"), CommandId.DELETE],
  [ascii("touch"), CommandId.TOUCH],
  [ascii("append"), CommandId.APPEND],
  [ascii("prepend"), CommandId.PREPEND],
  [ascii("replace"), CommandId.REPLACE],
  [ascii("version"), CommandId.VERSION],
  [ascii("verbosity"), CommandId.VERBOSITY],
  [ascii("flush_all"), CommandId.FLUSH_ALL],
  [ascii("stats"), CommandId.STATS],
];

/**
 * Commands of memcached that make no sense for many servers behind one address: they turn knobs of one process, stream
 * its events, or stop it.
 */
const REFUSED_WORDS: readonly Uint8Array[] = [
  "cache_memlimit",
  "debug",
  "extstore",
  "lru",
  "lru_crawler",
  "misbehave",
  "refresh_certs",
  "shutdown",
  "slabs",
  "watch",
].map(ascii);

/** Which command the word `bytes[start, end)` is: a `CommandId`, {@link UNKNOWN_COMMAND} or {@link REFUSED_COMMAND}. */
export function commandOfWord(bytes: Uint8Array, start: number, end: number): number {
  if (end - start > 4) return commandOfLongWord(bytes, start, end);
  let packed = 0;
  for (let at = start; at < end; at++) packed = (packed << 8) | (bytes[at] as number);
  switch (packed) {
    case 0x676574: // get
      return CommandId.GET;
    case 0x67657473: // gets
      return CommandId.GETS;
    case 0x736574: // set
      return CommandId.SET;
    case 0x6d67: // mg
      return CommandId.MG;
    case 0x6d73: // ms
      return CommandId.MS;
    case 0x6d64: // md
      return CommandId.MD;
    case 0x6d61: // ma
      return CommandId.MA;
    case 0x6d65: // me
      return CommandId.ME;
    case 0x6d6e: // mn
      return CommandId.MN;
    case 0x616464: // add
      return CommandId.ADD;
    case 0x636173: // cas
      return CommandId.CAS;
    case 0x676174: // gat
      return CommandId.GAT;
    case 0x67617473: // gats
      return CommandId.GATS;
    case 0x696e6372: // incr
      return CommandId.INCR;
    case 0x64656372: // decr
      return CommandId.DECR;
    case 0x62676574: // bget, an old other name of get
      return CommandId.GET;
    case 0x71756974: // quit
      return CommandId.QUIT;
    default:
      return isRefusedWord(bytes, start, end) ? REFUSED_COMMAND : UNKNOWN_COMMAND;
  }
}

function commandOfLongWord(bytes: Uint8Array, start: number, end: number): number {
  for (const [word, command] of LONG_WORDS) {
    if (isWord(bytes, start, end, word)) return command;
  }
  return isRefusedWord(bytes, start, end) ? REFUSED_COMMAND : UNKNOWN_COMMAND;
}

function isRefusedWord(bytes: Uint8Array, start: number, end: number): boolean {
  return REFUSED_WORDS.some((word) => isWord(bytes, start, end, word));
}
