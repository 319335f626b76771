import { createRandom } from "@kagami/clock";

/** What a key holds: the body of that name (see `bytesOf`), or nothing. */
export type Content = string | undefined;

/** What is known of a key. */
export interface ExpectedObject {
  readonly key: string;
  /** What the last acknowledged request left. */
  acknowledged: Content;
  /** What an unanswered request would leave: it may have happened or not, but not by half. */
  pending: { readonly content: Content } | undefined;
  /** What it held before, to tell what came back from what is broken. */
  readonly past: string[];
}

/** What was found under a key, beside what may be there. */
export type Verdict = "right" | "lost" | "torn";

/** Sizes of bodies: small ones, some larger than a block of a checksum, a few with a file of their own. */
const SIZES = [
  { share: 0.8, most: 4_000 },
  { share: 0.99, most: 300_000 },
  { share: 1, most: 9_000_000 },
];
const BASE_BYTES = 12_000_000;
const base = createRandom(1).bytes(BASE_BYTES);

/**
 * The body of a name: a piece of random bytes whose place and length follow from the name, so bodies of different names
 * differ and none has to be kept.
 *
 * @param least Smallest size; for uploads in parts.
 */
function bodyOf(name: string, least = 1): Uint8Array {
  const random = createRandom(hashOf(name));
  const dice = random.float();
  const most = SIZES.find(({ share }) => dice < share)?.most ?? 1;
  const size = least + random.int(0, most);
  const from = random.int(0, BASE_BYTES - size);
  return base.subarray(from, from + size);
}

/** Names of bodies that are uploaded in parts end so; they are larger than a part. */
const IN_PARTS = "+parts";
/** S3 wants so much in every part but the last. */
export const PART_BYTES = 5 * 1_048_576;

/** The name of the n-th body of a key. */
export function bodyName(key: string, write: number, isInParts: boolean): string {
  return `${key}#${write}${isInParts ? IN_PARTS : ""}`;
}

/** The bytes that stand for a name. */
export function bytesOf(name: string): Uint8Array {
  if (!name.endsWith(IN_PARTS)) return bodyOf(name);
  const body = bodyOf(name, PART_BYTES + 1);
  return body.subarray(0, Math.min(body.length, PART_BYTES + 100_000));
}

/**
 * Judges what a GET found.
 *
 * @param found The body, or `undefined` if there is no object.
 */
export function judge(object: ExpectedObject, found: Uint8Array | undefined): Verdict {
  const { acknowledged, pending, past } = object;
  if (holds(acknowledged, found)) return "right";
  if (pending !== undefined && holds(pending.content, found)) return "right";
  // Nothing, or an older whole object, where a newer was acknowledged.
  if (found === undefined || past.some((content) => holds(content, found))) return "lost";
  return "torn";
}

/** Takes what was found as what is known from now on. */
export function settle(object: ExpectedObject, found: Uint8Array | undefined): void {
  const { pending } = object;
  if (pending !== undefined && holds(pending.content, found)) take(object, pending.content);
  object.pending = undefined;
}

/** Notes what the key holds now. */
export function take(object: ExpectedObject, content: Content): void {
  if (object.acknowledged !== undefined) object.past.push(object.acknowledged);
  object.acknowledged = content;
  object.pending = undefined;
}

function holds(content: Content, found: Uint8Array | undefined): boolean {
  if (content === undefined || found === undefined) return content === undefined && found === undefined;
  const body = bytesOf(content);
  return body.length === found.length && Buffer.compare(body, found) === 0;
}

/** FNV-1a, for seeds. */
function hashOf(text: string): number {
  let hash = 0x811c9dc5;
  for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193) >>> 0;
  return hash;
}
