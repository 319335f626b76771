import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { ascii } from "./ascii.ts";
import { Dialect } from "./codes.ts";
import { ReplyParser } from "./reply-parser.ts";
import { RequestParser } from "./request-parser.ts";
import { parseInPieces, TEST_LIMITS } from "./test-requests.ts";

interface Sample {
  readonly send: string;
  readonly reply: string;
  readonly closes: boolean;
}

// What memcached 1.6.18 said; see record-samples.ts.
const { samples } = JSON.parse(readFileSync(new URL("../../testdata/samples.json", import.meta.url), "utf8")) as {
  readonly samples: readonly Sample[];
};

/** Errors about a text request's line: a server must never be asked to find them, since it would not take the value. */
const LINE_ERRORS = /^(ERROR|CLIENT_ERROR (bad command line|invalid (numeric|exptime)|bad data))/;

test.each(samples)("$send is refused in memcached's words, or is left to it", ({ send, reply, closes }) => {
  const { requests, leftBytes } = parseInPieces(ascii(send), []);
  const refusals = requests.filter(({ outcome }) => outcome !== "whole").map((request) => request.reply);
  if (refusals.length === requests.length && leftBytes === 0 && !closes) {
    expect(refusals.join("")).toBe(reply);
    return;
  }
  // The last request of a sample may want a longer value than there is: memcached was then left waiting for it.
  let from = 0;
  for (const refusal of refusals) {
    const at = reply.indexOf(refusal, from);
    expect({ refusal, found: at >= 0 }).toEqual({ refusal, found: true });
    from = at + refusal.length;
  }
  const [first] = requests;
  if (first?.outcome === "whole" && first.dialect === Dialect.TEXT) expect(reply).not.toMatch(LINE_ERRORS);
});

const answered = samples.filter(({ send, closes }) => {
  const { requests } = parseInPieces(ascii(send), []);
  const [only] = requests;
  return requests.length === 1 && only?.outcome === "whole" && only.forwarded.length > 0 && !only.isQuiet && !closes;
});

test.each(answered)("the reply to $send ends where memcached ended it", ({ send, reply }) => {
  const request = new RequestParser(TEST_LIMITS);
  const wire = ascii(send);
  request.parse(wire, 0, wire.length);
  const bytes = ascii(`${reply}STORED\r\n`);
  expect(new ReplyParser().parse(bytes, 0, bytes.length, request.replyShape)).toBe(reply.length);
});

test("there are as many samples as there were, and most have a reply of a server", () => {
  expect(samples.length).toBeGreaterThanOrEqual(344);
  expect(answered.length).toBeGreaterThan(80);
});
