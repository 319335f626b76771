import { Args } from "./protocol/args.ts";
import { REQUEST_MORE, type RequestParser } from "./protocol/request-parser.ts";

/** Requests of a row at most. */
export const ROW_LENGTH = 16;

/**
 * Requests that a client sent at once, read before any of them is done, so that the store can look ahead. Made once; the
 * arguments alias the buffer that was read.
 */
export class RequestRow {
  readonly requests: readonly Args[] = Array.from({ length: ROW_LENGTH }, () => new Args());
  /** Where each request ends. */
  readonly ends = new Int32Array(ROW_LENGTH);
  count = 0;
  /** What the parser said behind the last one: `REQUEST_MORE`, `REQUEST_BROKEN`, or 0 if the row is full. */
  outcome = 0;

  /** Reads requests from `bytes[start, end)`. @param isKnown As for `RequestParser.parse`. */
  fill(parser: RequestParser, bytes: Uint8Array, start: number, end: number, isKnown: boolean): void {
    let at = start;
    let count = 0;
    this.outcome = 0;
    while (count < ROW_LENGTH) {
      const next = at === end ? REQUEST_MORE : parser.parse(bytes, at, end, this.requests[count] as Args, isKnown);
      if (next < 0) {
        this.outcome = next;
        break;
      }
      this.ends[count++] = next;
      at = next;
    }
    this.count = count;
  }

  /** Forgets the requests from `first` on. */
  clear(first = 0): void {
    for (let i = first; i < this.count; i++) (this.requests[i] as Args).clear();
    this.count = 0;
  }
}
