import { ascii } from "./ascii.ts";

/** Longest key, in bytes. @see memcached 1.6 doc/protocol.txt, "Keys" */
export const MAX_KEY_BYTES = 250;

/**
 * Longest command line, with its end, of anything but `get` and `gets`. memcached closes when 2,048 bytes have no line
 * feed in them; a longer line it takes only if the network happens to deliver it at once, so nobody can rely on it.
 */
export const MAX_COMMAND_LINE_BYTES = 2048;

/** Most flags of `mg`, `md` and `ma`; `ms` has one fewer, since its length is counted. Found by experiment with 1.6.18. */
export const MAX_META_FLAGS = 17;

/** Nothing to say. */
export const EMPTY = new Uint8Array(0);

// memcached's own words, as 1.6.18 says them.
export const ERROR = ascii("ERROR\r\n");
export const END = ascii("END\r\n");
export const BAD_FORMAT = ascii("CLIENT_ERROR bad command line format\r\n");
export const BAD_CHUNK = ascii("CLIENT_ERROR bad data chunk\r\n");
export const BAD_DELTA = ascii("CLIENT_ERROR invalid numeric delta argument\r\n");
export const BAD_EXPTIME = ascii("CLIENT_ERROR invalid exptime argument\r\n");
export const BAD_DELETE = ascii("CLIENT_ERROR bad command line format.  Usage: delete <key> [noreply]\r\n");
export const DUPLICATE_FLAG = ascii("CLIENT_ERROR duplicate flag\r\n");
export const INVALID_OR_DUPLICATE_FLAG = ascii("CLIENT_ERROR invalid or duplicate flag\r\n");
export const GET_FLAGS_TOO_LONG = ascii("CLIENT_ERROR options flags are too long\r\n");
export const FLAGS_TOO_LONG = ascii("CLIENT_ERROR options flags too long\r\n");
export const TOO_LARGE = ascii("SERVER_ERROR object too large for cache\r\n");

// The proxy's.
export const LINE_TOO_LONG = ascii("CLIENT_ERROR line too long\r\n");
export const NOT_THROUGH_PROXY = ascii("CLIENT_ERROR command not available through a proxy\r\n");
