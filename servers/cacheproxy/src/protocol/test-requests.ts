import { asciiText } from "./ascii.ts";
import { ParseOutcome } from "./codes.ts";
import { RequestParser } from "./request-parser.ts";

/** What a test looks at of one request: everything a client or a server would see of it. */
export interface SeenRequest {
  readonly outcome: "whole" | "refused" | "fatal";
  readonly command: number;
  readonly dialect: number;
  readonly access: number;
  /** All keys. */
  readonly keys: readonly string[];
  readonly value: string;
  readonly isQuiet: boolean;
  /** The request as a server would get it; each key's own if there are many. */
  readonly forwarded: readonly string[];
  readonly reply: string;
  readonly unlinks: boolean;
}

export const TEST_LIMITS = { maxValueBytes: 1_048_576, maxLineBytes: 65_536 };

/**
 * Parses a client's bytes that come in pieces of the sizes given, in turn; a size of 0 counts as 1.
 *
 * @returns The requests, and how many bytes of an unfinished one are left.
 */
export function parseInPieces(
  wire: Uint8Array,
  pieceSizes: readonly number[],
  limits = TEST_LIMITS,
): { requests: SeenRequest[]; leftBytes: number } {
  const parser = new RequestParser(limits);
  const requests: SeenRequest[] = [];
  let start = 0;
  let end = 0;
  let neededBytes = 1;
  for (let turn = 0; ; turn++) {
    while (end - start >= neededBytes && start < end) {
      const outcome = parser.parse(wire, start, end);
      if (outcome === ParseOutcome.MORE) {
        neededBytes = Math.max(parser.neededBytes, end - start + 1);
        break;
      }
      requests.push(seen(parser, wire, outcome));
      if (outcome === ParseOutcome.FATAL) return { requests, leftBytes: 0 };
      start = parser.requestEnd;
      neededBytes = 1;
    }
    if (end >= wire.length) return { requests, leftBytes: Math.max(0, end - start) };
    end = Math.min(wire.length, end + Math.max(1, pieceSizes[turn % pieceSizes.length] ?? wire.length));
  }
}

function seen(parser: RequestParser, wire: Uint8Array, outcome: ParseOutcome): SeenRequest {
  const isWhole = outcome === ParseOutcome.WHOLE;
  const keys: string[] = [];
  const forwarded: string[] = [];
  const target = new Uint8Array(isWhole ? parser.requestEnd - parser.requestStart + 300 : 0);
  if (isWhole) {
    do {
      keys.push(asciiText(parser.keyBytes, parser.keyStart, parser.keyEnd));
      if (parser.isMultiKey) forwarded.push(asciiText(target, 0, parser.writeSingleGet(target, 0)));
    } while (parser.nextKey());
    if (parser.forwardable && !parser.isMultiKey) {
      forwarded.push(
        parser.mustRewrite
          ? asciiText(target, 0, parser.forwardQuiet(target, 0))
          : asciiText(wire, parser.requestStart, parser.requestEnd),
      );
    }
  }
  return {
    outcome: isWhole ? "whole" : outcome === ParseOutcome.REFUSED ? "refused" : "fatal",
    command: parser.command,
    dialect: parser.dialect,
    access: parser.access,
    keys,
    value: isWhole ? asciiText(wire, parser.valueStart, parser.valueEnd) : "",
    isQuiet: parser.isQuiet,
    forwarded,
    reply: isWhole ? "" : asciiText(parser.errorReply, 0, parser.errorReply.length),
    unlinks: !isWhole && parser.unlinks,
  };
}
