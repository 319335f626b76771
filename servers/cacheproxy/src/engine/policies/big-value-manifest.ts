import { ourKey } from "./our-keys.ts";

/** What is stored under the key of a value in pieces. */
export interface Manifest {
  /** 32 hexadecimal digits, drawn anew for each value: pieces are never overwritten, so they never mix. */
  readonly id: string;
  readonly totalBytes: number;
  readonly pieceBytes: number;
}

const MAGIC = "\u00ffkagami pieces 1 ";
const ID_DIGITS = 32;
const NUMBER_DIGITS = 10;

/** Every manifest is as long as this, and no client's value is taken for one; see {@link looksLikeManifest}. */
export const MANIFEST_BYTES = MAGIC.length + ID_DIGITS + 2 * (1 + NUMBER_DIGITS);

/** Pieces of one value at most, so that one request never becomes an unbounded number. */
export const PIECE_LIMIT = 1_024;

export function pieceCount({ totalBytes, pieceBytes }: Manifest): number {
  return Math.max(1, Math.ceil(totalBytes / pieceBytes));
}

/** Key of a piece. It has nothing of the client's key, so pieces of a long key have short ones. */
export function pieceKey({ id }: Manifest, index: number): Uint8Array {
  return ourKey(`p${id}${index.toString(36)}`, new Uint8Array(0)) ?? new Uint8Array(0);
}

/** @param random From 0 (included) to 1 (excluded). */
export function newManifest(totalBytes: number, pieceBytes: number, random: () => number): Manifest {
  let id = "";
  while (id.length < ID_DIGITS) {
    id += Math.floor(random() * 0x1_0000_0000)
      .toString(16)
      .padStart(8, "0");
  }
  return { id, totalBytes, pieceBytes };
}

export function encodeManifest({ id, totalBytes, pieceBytes }: Manifest): Uint8Array {
  const text = `${MAGIC}${id} ${digits(totalBytes)} ${digits(pieceBytes)}`;
  return Uint8Array.from(text, (character) => character.charCodeAt(0));
}

/** @returns `undefined` if it is none. */
export function decodeManifest(value: Uint8Array): Manifest | undefined {
  if (!looksLikeManifest(value)) return undefined;
  const [id, total, piece] = String.fromCharCode(...value.subarray(MAGIC.length)).split(" ");
  const manifest = { id: id ?? "", totalBytes: Number(total), pieceBytes: Number(piece) };
  const isSound = /^[0-9a-f]{32}$/.test(manifest.id) && manifest.pieceBytes > 0 && manifest.totalBytes >= 0;
  return isSound && pieceCount(manifest) <= PIECE_LIMIT ? manifest : undefined;
}

/** Whether a value would be read as a manifest; a client's own is stored as one piece, so that there is no doubt. */
export function looksLikeManifest(value: Uint8Array, start = 0, end = value.length): boolean {
  if (end - start !== MANIFEST_BYTES) return false;
  for (let i = 0; i < MAGIC.length; i++) if (value[start + i] !== MAGIC.charCodeAt(i)) return false;
  return true;
}

function digits(value: number): string {
  return String(value).padStart(NUMBER_DIGITS, "0");
}
