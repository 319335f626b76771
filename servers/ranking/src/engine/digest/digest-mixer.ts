const SEEDS = [0x9e3779b9, 0x7f4a7c15, 0x85ebca6b, 0xc2b2ae35] as const;

/**
 * A 128-bit hash of a stream of numbers and byte strings: the lane step and the end of MurmurHash3 for 32-bit machines,
 * a word of 32 bits at a time, with the four lanes taking turns. Strong against chance, not against somebody who looks
 * for two stores with one digest.
 *
 * What is hashed is told apart: a byte string goes in behind its length, a number as its 64 bits.
 *
 * @see Appleby, MurmurHash3_x86_128
 */
export class DigestMixer {
  /** The digest, after {@link end}. */
  readonly lanes: Int32Array = new Int32Array(4);
  #a = 0;
  #b = 0;
  #c = 0;
  #d = 0;
  #count = 0;
  readonly #double = new DataView(new ArrayBuffer(8));

  constructor() {
    this.begin();
  }

  begin(): void {
    [this.#a, this.#b, this.#c, this.#d] = SEEDS;
    this.#count = 0;
  }

  /** A whole number of 32 bits. */
  word(value: number): void {
    const mixed = Math.imul(rotated(Math.imul(value, 0x239b961b), 15), 0xab0e9789);
    const lane = Math.imul(rotated(this.#a ^ mixed, 19) + this.#b, 5) + 0x561ccd1b;
    this.#a = this.#b;
    this.#b = this.#c;
    this.#c = this.#d;
    this.#d = lane | 0;
    this.#count++;
  }

  /** Any number; 0 and -0 are different ones. */
  number(value: number): void {
    this.#double.setFloat64(0, value);
    this.word(this.#double.getInt32(0));
    this.word(this.#double.getInt32(4));
  }

  bytes(bytes: Uint8Array, start = 0, end = bytes.length): void {
    this.word(end - start);
    let at = start;
    for (; at + 4 <= end; at += 4) {
      this.word(bytes[at]! | (bytes[at + 1]! << 8) | (bytes[at + 2]! << 16) | (bytes[at + 3]! << 24));
    }
    let tail = 0;
    for (let shift = 0; at < end; at++, shift += 8) tail |= bytes[at]! << shift;
    if (((end - start) & 3) !== 0) this.word(tail);
  }

  /** Of characters below 65,536. */
  text(text: string): void {
    this.word(text.length);
    for (let i = 0; i < text.length; i++) this.word(text.charCodeAt(i));
  }

  /** Another digest. */
  digest(lanes: Int32Array): void {
    for (let i = 0; i < 4; i++) this.word(lanes[i]!);
  }

  /** Puts the digest into {@link lanes}. The next thing to be called is {@link begin}. */
  end(): Int32Array {
    const { lanes } = this;
    lanes[0] = this.#a ^ this.#count;
    lanes[1] = this.#b ^ this.#count;
    lanes[2] = this.#c ^ this.#count;
    lanes[3] = this.#d ^ this.#count;
    spread(lanes);
    for (let i = 0; i < 4; i++) lanes[i] = finished(lanes[i]!);
    spread(lanes);
    return lanes;
  }
}

/** Adds digests up, so that the order in which they come makes no difference. */
export function addDigest(sum: Int32Array, lanes: Int32Array): void {
  // Lanes of 32 bits each: what is carried is lost in each alone.
  for (let i = 0; i < 4; i++) sum[i] = (sum[i]! + lanes[i]!) | 0;
}

/** The digest as 32 hexadecimal digits. */
export function digestText(lanes: Int32Array): string {
  let text = "";
  for (let i = 0; i < 4; i++) text += (lanes[i]! >>> 0).toString(16).padStart(8, "0");
  return text;
}

function spread(lanes: Int32Array): void {
  lanes[0] = (lanes[0]! + lanes[1]! + lanes[2]! + lanes[3]!) | 0;
  for (let i = 1; i < 4; i++) lanes[i] = (lanes[i]! + lanes[0]!) | 0;
}

function finished(lane: number): number {
  let hash = Math.imul(lane ^ (lane >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return hash ^ (hash >>> 16);
}

function rotated(word: number, bits: number): number {
  return (word << bits) | (word >>> (32 - bits));
}
