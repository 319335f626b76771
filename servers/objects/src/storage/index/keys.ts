/**
 * The keys of the index (ARCHITECTURE.md, "Index keys"). Their bytes sort as what they name does: integers are big-endian,
 * and where something follows a name, the name is escaped so that it sorts before every longer one.
 */

const TWO_32 = 0x1_0000_0000;
const MAX_U64_HIGH = 0xffff_ffff;

const CODES = {
  object: 0x6f,
  version: 0x76,
  null: 0x6e,
  upload: 0x75,
  part: 0x70,
  blob: 0x6c,
  manifest: 0x6d,
  debt: 0x74,
} as const;

/** The shard's own state. */
export const STATE_KEY: Uint8Array = Buffer.from("s");

/** `o group4 bucket4 key`: the current version. */
export function objectKey(group: number, bucketId: number, key: Uint8Array): Buffer {
  const out = Buffer.allocUnsafe(9 + key.length);
  writePrefix(out, CODES.object, group, bucketId);
  out.set(key, 9);
  return out;
}

/** `t group4 bucket4 key`: a record that the group is owed, see `Debt`. */
export function debtKey(group: number, bucketId: number, key: Uint8Array): Buffer {
  const out = objectKey(group, bucketId, key);
  out[0] = CODES.debt;
  return out;
}

/** The parts of a key that {@link debtKey} made. */
export function partsOfDebtKey(key: Uint8Array): { group: number; bucketId: number; key: Uint8Array } {
  return { group: readU32(key, 1), bucketId: readU32(key, 5), key: nameOfObjectKey(key) };
}

/** The same key in another group. */
export function inGroup(key: Buffer, group: number): Buffer {
  const out = Buffer.allocUnsafe(key.length);
  out.set(key);
  writeU32(out, 1, group);
  return out;
}

/** The name in a key that {@link objectKey} made; aliases it. */
export function nameOfObjectKey(key: Uint8Array): Uint8Array {
  return key.subarray(9);
}

/** The bucket in a key that {@link objectKey} made. */
export function bucketIdOfObjectKey(key: Uint8Array): number {
  return readU32(key, 5);
}

/** The range of a group's rows of a kind. */
export function groupRange(kind: "object" | "blob" | "manifest", group: number): { from: Buffer; to: Buffer } {
  const from = Buffer.allocUnsafe(5);
  from[0] = CODES[kind];
  writeU32(from, 1, group);
  return { from, to: successor(from) };
}

/** `v bucket4 esc(key)`: where a key's older versions begin. */
export function versionPrefix(bucketId: number, key: Uint8Array): Buffer {
  return escaped(CODES.version, bucketId, key, 0);
}

/** `v bucket4 esc(key) ~sequence8`: an older version, newest first. */
export function versionKey(bucketId: number, key: Uint8Array, sequence: number): Buffer {
  const out = escaped(CODES.version, bucketId, key, 8);
  writeU32(out, out.length - 8, MAX_U64_HIGH - Math.floor(sequence / TWO_32));
  writeU32(out, out.length - 4, MAX_U64_HIGH - (sequence % TWO_32));
  return out;
}

/** The name and the sequence in a key that {@link versionKey} made. */
export function partsOfVersionKey(key: Uint8Array): { name: Uint8Array; sequence: number } {
  const high = MAX_U64_HIGH - readU32(key, key.length - 8);
  const low = MAX_U64_HIGH - readU32(key, key.length - 4);
  return { name: unescaped(key.subarray(5, key.length - 8)), sequence: high * TWO_32 + low };
}

/** `n bucket4 key`: the sequence of the null version among the older ones. */
export function nullKey(bucketId: number, key: Uint8Array): Buffer {
  const out = Buffer.allocUnsafe(5 + key.length);
  out[0] = CODES.null;
  writeU32(out, 1, bucketId);
  out.set(key, 5);
  return out;
}

/** `u bucket4 esc(key) upload8`: an upload under way. */
export function uploadKey(bucketId: number, key: Uint8Array, upload: number): Buffer {
  const out = escaped(CODES.upload, bucketId, key, 8);
  writeU64(out, out.length - 8, upload);
  return out;
}

/** The name and the upload in a key that {@link uploadKey} made. */
export function partsOfUploadKey(key: Uint8Array): { name: Uint8Array; upload: number } {
  return { name: unescaped(key.subarray(5, key.length - 8)), upload: sequenceOf(key.subarray(key.length - 8)) };
}

/** `p upload8 part2`: where a part lies. */
export function partKey(upload: number, partNumber: number): Buffer {
  const out = Buffer.allocUnsafe(11);
  out[0] = CODES.part;
  writeU64(out, 1, upload);
  out[9] = partNumber >>> 8;
  out[10] = partNumber;
  return out;
}

/** The number in a key that {@link partKey} made. */
export function numberOfPartKey(key: Uint8Array): number {
  return ((key[9] ?? 0) << 8) | (key[10] ?? 0);
}

/** `l group4 blob8`: a file of its own that somebody owns. */
export function blobKey(group: number, blobId: number): Buffer {
  return groupAndNumber(CODES.blob, group, blobId);
}

/** `m group4 sequence8`: the parts of a completed upload. */
export function manifestKey(group: number, sequence: number): Buffer {
  return groupAndNumber(CODES.manifest, group, sequence);
}

/** The number at the end of a key. */
export function sequenceOf(key: Uint8Array): number {
  return readU32(key, key.length - 8) * TWO_32 + readU32(key, key.length - 4);
}

/** A sequence as a value: 8 bytes. */
export function sequenceValue(sequence: number): Buffer {
  const out = Buffer.allocUnsafe(8);
  writeU64(out, 0, sequence);
  return out;
}

/** `b name`: a bucket. */
export function bucketKey(name: Uint8Array): Buffer {
  return Buffer.concat([Buffer.from("b"), name]);
}

/** `g group4`: a group. */
export function groupKey(group: number): Buffer {
  return letterAndU32("g", group);
}

/** `w volume4`: what is known of a volume. */
export function volumeKey(volumeId: number): Buffer {
  return letterAndU32("w", volumeId);
}

/** All rows that begin with a letter. */
export function letterRange(letter: string): { from: Buffer; to: Buffer } {
  const from = Buffer.from(letter);
  return { from, to: successor(from) };
}

/** `letter bucket4`: all rows of a bucket that are not in a group. */
export function bucketRange(letter: "v" | "u" | "n", bucketId: number): { from: Buffer; to: Buffer } {
  const from = letterAndU32(letter, bucketId);
  return { from, to: successor(from) };
}

/** The smallest bytes behind all that begin with `prefix`; 0xff bytes at its end are cut. */
export function successor(prefix: Uint8Array): Buffer {
  let length = prefix.length;
  while (length > 0 && prefix[length - 1] === 0xff) length--;
  const out = Buffer.from(prefix.subarray(0, length));
  if (length > 0) out[length - 1] = (prefix[length - 1] ?? 0) + 1;
  return out;
}

/** `esc(name)` without its end: what all escaped names with this beginning begin with. */
export function escapedStart(code: "v" | "u", bucketId: number, start: Uint8Array): Buffer {
  const whole = escaped(code.charCodeAt(0), bucketId, start, 0);
  return whole.subarray(0, whole.length - 2);
}

function groupAndNumber(code: number, group: number, value: number): Buffer {
  const out = Buffer.allocUnsafe(13);
  out[0] = code;
  writeU32(out, 1, group);
  writeU64(out, 5, value);
  return out;
}

function letterAndU32(letter: string, value: number): Buffer {
  const out = Buffer.allocUnsafe(5);
  out[0] = letter.charCodeAt(0);
  writeU32(out, 1, value);
  return out;
}

function writePrefix(out: Buffer, code: number, group: number, bucketId: number): void {
  out[0] = code;
  writeU32(out, 1, group);
  writeU32(out, 5, bucketId);
}

/** 00 is written 00 ff, and 00 01 is the end. */
function escaped(code: number, bucketId: number, name: Uint8Array, extraBytes: number): Buffer {
  let zeroCount = 0;
  for (const byte of name) if (byte === 0) zeroCount++;
  const out = Buffer.allocUnsafe(5 + name.length + zeroCount + 2 + extraBytes);
  out[0] = code;
  writeU32(out, 1, bucketId);
  let at = 5;
  for (const byte of name) {
    out[at++] = byte;
    if (byte === 0) out[at++] = 0xff;
  }
  out[at++] = 0;
  out[at] = 1;
  return out;
}

function unescaped(bytes: Uint8Array): Uint8Array {
  const out = Buffer.allocUnsafe(bytes.length);
  let length = 0;
  for (let i = 0; i < bytes.length; i++) {
    const byte = bytes[i] ?? 0;
    if (byte === 0) {
      if (bytes[i + 1] === 1) break;
      i++;
    }
    out[length++] = byte;
  }
  return out.subarray(0, length);
}

function writeU32(out: Buffer, offset: number, value: number): void {
  out[offset] = value >>> 24;
  out[offset + 1] = value >>> 16;
  out[offset + 2] = value >>> 8;
  out[offset + 3] = value;
}

function writeU64(out: Buffer, offset: number, value: number): void {
  writeU32(out, offset, Math.floor(value / TWO_32));
  writeU32(out, offset + 4, value % TWO_32);
}

function readU32(bytes: Uint8Array, offset: number): number {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).readUInt32BE(offset);
}
