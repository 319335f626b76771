import { expect, test } from "vitest";
import { bodyOf, type Content, judge, settle } from "./expected-object.ts";

const key = "writer-0/1";
const known = (acknowledged: Content, pending?: Content) => ({ key, acknowledged, pending, nextWrite: 5 });

test.each([
  { object: known(2), found: bodyOf(key, 2), verdict: "right", why: "what was acknowledged" },
  { object: known(2, 3), found: bodyOf(key, 3), verdict: "right", why: "the unanswered write happened" },
  { object: known(2, 3), found: bodyOf(key, 2), verdict: "right", why: "the unanswered write did not happen" },
  { object: known(2, "absent"), found: undefined, verdict: "right", why: "the unanswered delete happened" },
  { object: known("absent", 0), found: undefined, verdict: "right", why: "the first write did not happen" },
  { object: known(2), found: undefined, verdict: "lost", why: "nothing is left of it" },
  { object: known(2), found: bodyOf(key, 1), verdict: "lost", why: "an older one came back" },
  { object: known("absent"), found: bodyOf(key, 1), verdict: "lost", why: "a deleted one came back" },
  { object: known(2), found: bodyOf(key, 2).subarray(1), verdict: "torn", why: "a byte is missing" },
  { object: known(2), found: new Uint8Array(bodyOf(key, 2).length), verdict: "torn", why: "its bytes are zeros" },
  { object: known("absent", 0), found: new Uint8Array(), verdict: "torn", why: "an empty object that nobody wrote" },
  {
    object: known(2, 3),
    found: Buffer.concat([bodyOf(key, 2).subarray(0, 1), bodyOf(key, 3).subarray(1)]),
    verdict: "torn",
    why: "half of one and half of another",
  },
])("is judged $verdict: $why", ({ object, found, verdict }) => {
  expect(judge(object, found)).toBe(verdict);
});

test("what was found after a kill is what is known from then on", () => {
  const happened = known(2, 3);
  settle(happened, bodyOf(key, 3));
  expect(happened).toMatchObject({ acknowledged: 3, pending: undefined });
  const not = known(2, "absent");
  settle(not, bodyOf(key, 2));
  expect(not).toMatchObject({ acknowledged: 2, pending: undefined });
});

test("bodies of different writes differ, and the same write always has the same", () => {
  const bodies = Array.from({ length: 200 }, (_, write) => bodyOf(key, write));
  expect(new Set(bodies.map((body) => `${body.byteOffset}+${body.length}`)).size).toBe(200);
  expect(bodyOf(key, 7)).toEqual(bodyOf(key, 7));
  expect(bodies.some((body) => body.length > 65_536)).toBe(true);
});
