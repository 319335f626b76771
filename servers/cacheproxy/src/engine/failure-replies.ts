import { ReplyShape } from "../protocol/codes.ts";
import type { ExchangeFailure } from "./meta.ts";

const encoder = new TextEncoder();

/** What a client is told when the proxy has no server's reply for it; without `SERVER_ERROR`. */
export const FAILURE_MESSAGES: Readonly<Record<ExchangeFailure | "no-pool", string>> = {
  down: "server is not reachable",
  overloaded: "server has too many requests waiting",
  closed: "connection to server was lost",
  timeout: "server did not answer in time",
  "no-pool": "no pool has keys like this",
};

/** The whole line for each failure. */
export const FAILURE_LINES = Object.fromEntries(
  Object.entries(FAILURE_MESSAGES).map(([failure, message]) => [
    failure,
    encoder.encode(`SERVER_ERROR ${message}\r\n`),
  ]),
) as Readonly<Record<keyof typeof FAILURE_MESSAGES, Uint8Array>>;

export const END_LINE = encoder.encode("END\r\n");
const META_MISS_LINE = encoder.encode("EN\r\n");
export const NOTHING = new Uint8Array(0);

/** What says "not there" to a read, by the shape of its reply. */
export function missLine(shape: number): Uint8Array {
  return shape === ReplyShape.META ? META_MISS_LINE : END_LINE;
}
