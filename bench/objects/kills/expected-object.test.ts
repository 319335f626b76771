import { expect, test } from "vitest";
import {
  bodyName,
  bytesOf,
  type Content,
  type ExpectedObject,
  judge,
  PART_BYTES,
  settle,
  take,
} from "./expected-object.ts";

const key = "writer-0/1";
const [one, two, three] = [1, 2, 3].map((write) => bodyName(key, write, false)) as [string, string, string];
const nothing = { content: undefined };

function known(acknowledged: Content, pending?: { readonly content: Content }): ExpectedObject {
  return { key, acknowledged, pending, past: [one] };
}

test.each([
  { object: known(two), found: bytesOf(two), verdict: "right", why: "what was acknowledged" },
  {
    object: known(two, { content: three }),
    found: bytesOf(three),
    verdict: "right",
    why: "the unanswered write happened",
  },
  {
    object: known(two, { content: three }),
    found: bytesOf(two),
    verdict: "right",
    why: "the unanswered write did not",
  },
  { object: known(two, nothing), found: undefined, verdict: "right", why: "the unanswered delete happened" },
  { object: known(undefined, { content: one }), found: undefined, verdict: "right", why: "the first write did not" },
  { object: known(two), found: undefined, verdict: "lost", why: "nothing is left of it" },
  { object: known(two), found: bytesOf(one), verdict: "lost", why: "an older one came back" },
  { object: known(undefined), found: bytesOf(one), verdict: "lost", why: "a deleted one came back" },
  { object: known(two), found: bytesOf(two).subarray(1), verdict: "torn", why: "a byte is missing" },
  { object: known(two), found: new Uint8Array(bytesOf(two).length), verdict: "torn", why: "its bytes are zeros" },
  { object: known(undefined), found: new Uint8Array(), verdict: "torn", why: "an empty object that nobody wrote" },
  {
    object: known(two, { content: three }),
    found: Buffer.concat([bytesOf(two).subarray(0, 1), bytesOf(three).subarray(1)]),
    verdict: "torn",
    why: "half of one and half of another",
  },
])("is judged $verdict: $why", ({ object, found, verdict }) => {
  expect(judge(object, found)).toBe(verdict);
});

test("what was found after a kill is what is known from then on", () => {
  const happened = known(two, { content: three });
  settle(happened, bytesOf(three));
  expect(happened).toMatchObject({ acknowledged: three, pending: undefined, past: [one, two] });
  const not = known(two, nothing);
  settle(not, bytesOf(two));
  expect(not).toMatchObject({ acknowledged: two, pending: undefined });
  take(not, undefined);
  expect(judge(not, bytesOf(two))).toBe("lost");
});

test("bodies of different names differ, and the same name always has the same", () => {
  const bodies = Array.from({ length: 200 }, (_, write) => bytesOf(bodyName(key, write, false)));
  expect(new Set(bodies.map((body) => `${body.byteOffset}+${body.length}`)).size).toBe(200);
  expect(bytesOf(one)).toEqual(bytesOf(one));
  expect(bodies.some((body) => body.length > 65_536)).toBe(true);
});

test("a body for parts is more than one part", () => {
  const sizes = Array.from({ length: 50 }, (_, write) => bytesOf(bodyName(key, write, true)).length);
  expect(Math.min(...sizes)).toBeGreaterThan(PART_BYTES);
  expect(Math.max(...sizes)).toBeLessThanOrEqual(PART_BYTES + 100_000);
});
