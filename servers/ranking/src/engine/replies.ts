/** Error replies that many commands have, without the leading `-`. As Redis 7.0 words them. */
export const WRONG_TYPE = "WRONGTYPE Operation against a key holding the wrong kind of value";
export const SYNTAX_ERROR = "ERR syntax error";
export const NOT_AN_INTEGER = "ERR value is not an integer or out of range";
export const NOT_A_FLOAT = "ERR value is not a valid float";
export const OUT_OF_RANGE = "ERR index out of range";
export const NO_SUCH_KEY = "ERR no such key";
export const OUT_OF_MEMORY = "OOM command not allowed when used memory > 'maxmemory'.";

/** A command failed deep inside; thrown before anything was changed. Becomes the error reply. */
export class CommandError extends Error {
  override readonly name = "CommandError";
}
