const CR = 13;
const LF = 10;
const LINES = "+-:,_#(";
const BYTES = "$=!";
const PAIRS = "%|";

/**
 * Reads replies one after the other, RESP2 or RESP3.
 *
 * @returns How many there are.
 * @throws Error if the bytes are not whole replies.
 */
export function countReplies(bytes: Uint8Array, end = bytes.length): number {
  let count = 0;
  for (let at = 0; at < end; count++) at = replyEnd(bytes, at, end);
  return count;
}

/** Where the reply that begins at `start` ends. */
function replyEnd(bytes: Uint8Array, start: number, end: number): number {
  const kind = String.fromCharCode(bytes[start] as number);
  let line = start + 1;
  while (line < end && bytes[line] !== CR) line++;
  if (line + 1 >= end || bytes[line + 1] !== LF) throw new Error(`A reply at ${start} does not end its line`);
  const after = line + 2;
  if (LINES.includes(kind)) return after;
  const head = Buffer.from(bytes.subarray(start + 1, line)).toString("latin1");
  const size = Number(head);
  if (head === "" || !Number.isInteger(size) || size < -1) throw new Error(`A reply at ${start} is "${kind}${head}"`);
  if (BYTES.includes(kind)) {
    if (size < 0) return after;
    if (after + size + 2 > end || bytes[after + size] !== CR) throw new Error(`A string at ${start} has no end`);
    return after + size + 2;
  }
  if (!PAIRS.includes(kind) && !"*~>".includes(kind)) throw new Error(`A reply at ${start} begins with "${kind}"`);
  let at = after;
  for (let left = PAIRS.includes(kind) ? 2 * size : size; left > 0; left--) at = replyEnd(bytes, at, end);
  return at;
}
