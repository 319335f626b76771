import { createRandom } from "@kagami/clock";

/** What a key holds: the number of a write, or nothing. Never two writes of a key have the same number. */
export type Content = number | "absent";

/** What is known of a key. */
export interface ExpectedObject {
  readonly key: string;
  /** What the last acknowledged request left. */
  acknowledged: Content;
  /** What an unanswered request would leave: it may have happened or not, but not by half. */
  pending: Content | undefined;
  /** Numbers below this were used. */
  nextWrite: number;
}

/** What was found under a key, beside what may be there. */
export type Verdict = "right" | "lost" | "torn";

const BASE_BYTES = 12_000_000;
const base = createRandom(1).bytes(BASE_BYTES);

/**
 * The body of a write: a piece of random bytes whose place and length follow from key and number, so bodies of different
 * writes differ and none has to be kept. Most are small; some are larger than a block of a checksum, a few have a file of
 * their own.
 */
export function bodyOf(key: string, write: number): Uint8Array {
  const random = createRandom(hashOf(`${key}#${write}`));
  const dice = random.float();
  const largest = dice < 0.8 ? 4_000 : dice < 0.99 ? 300_000 : 9_000_000;
  const size = random.int(1, largest);
  const from = random.int(0, BASE_BYTES - size);
  return base.subarray(from, from + size);
}

/**
 * Judges what a GET found.
 *
 * @param found The body, or `undefined` if there is no object.
 */
export function judge(object: ExpectedObject, found: Uint8Array | undefined): Verdict {
  const allowed = object.pending === undefined ? [object.acknowledged] : [object.acknowledged, object.pending];
  if (allowed.some((content) => holds(object.key, content, found))) return "right";
  // Nothing, or an older whole object, where a newer was acknowledged.
  if (found === undefined) return "lost";
  for (let write = 0; write < object.nextWrite; write++) if (holds(object.key, write, found)) return "lost";
  return "torn";
}

/** Takes what was found as what is known from now on. */
export function settle(object: ExpectedObject, found: Uint8Array | undefined): void {
  if (object.pending !== undefined && holds(object.key, object.pending, found)) object.acknowledged = object.pending;
  object.pending = undefined;
}

function holds(key: string, content: Content, found: Uint8Array | undefined): boolean {
  if (content === "absent" || found === undefined) return content === "absent" && found === undefined;
  const body = bodyOf(key, content);
  return body.length === found.length && Buffer.compare(body, found) === 0;
}

/** FNV-1a, for seeds. */
function hashOf(text: string): number {
  let hash = 0x811c9dc5;
  for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193) >>> 0;
  return hash;
}
