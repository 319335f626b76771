// CRC-64 as Redis files and DUMP payloads carry it: the polynomial of David T. Jones, ad93d23594c935a9, bits reflected,
// starting at 0 and not inverted at the end. JavaScript has no 64-bit integers that are fast, so both the remainder and
// the tables are kept as two halves of 32 bits.
//
// Eight bytes go through at once: table k holds, for every byte, what remains of it after k further zero bytes, so eight
// look-ups, one in each table, do the work of eight steps.

const POLYNOMIAL_LOW = 0xac4b_c9b5 | 0; // 95ac9329 ac4bc9b5: the polynomial with its bits in reverse
const POLYNOMIAL_HIGH = 0x95ac_9329 | 0;
const TABLES = 8;

const LOW = new Int32Array(TABLES * 256);
const HIGH = new Int32Array(TABLES * 256);
fillTables();

/** CRC-64 (Jones) of the bytes given so far, in any number of pieces. Its two halves are unsigned 32-bit numbers. */
export class Crc64 {
  #low = 0;
  #high = 0;

  /** The lower 32 bits, those that a file holds first. */
  get low(): number {
    return this.#low >>> 0;
  }

  get high(): number {
    return this.#high >>> 0;
  }

  /** Adds `bytes[start, end)`. Allocates nothing. @throws RangeError if `end` is past the last byte. */
  update(bytes: Uint8Array, start: number, end: number): void {
    if (start < 0 || end > bytes.length) {
      throw new RangeError(`Cannot checksum bytes ${start} to ${end}: only ${bytes.length} given`);
    }
    let low = this.#low;
    let high = this.#high;
    let i = start;
    for (const last = end - 8; i <= last; i += 8) {
      // In range: the loop ends 8 bytes early, and each index is one byte within its table of 256.
      const a = low ^ (bytes[i]! | (bytes[i + 1]! << 8) | (bytes[i + 2]! << 16) | (bytes[i + 3]! << 24));
      const b = high ^ (bytes[i + 4]! | (bytes[i + 5]! << 8) | (bytes[i + 6]! << 16) | (bytes[i + 7]! << 24));
      const a0 = 0x700 | (a & 0xff);
      const a1 = 0x600 | ((a >>> 8) & 0xff);
      const a2 = 0x500 | ((a >>> 16) & 0xff);
      const a3 = 0x400 | (a >>> 24);
      const b0 = 0x300 | (b & 0xff);
      const b1 = 0x200 | ((b >>> 8) & 0xff);
      const b2 = 0x100 | ((b >>> 16) & 0xff);
      const b3 = b >>> 24;
      low = LOW[a0]! ^ LOW[a1]! ^ LOW[a2]! ^ LOW[a3]! ^ LOW[b0]! ^ LOW[b1]! ^ LOW[b2]! ^ LOW[b3]!;
      high = HIGH[a0]! ^ HIGH[a1]! ^ HIGH[a2]! ^ HIGH[a3]! ^ HIGH[b0]! ^ HIGH[b1]! ^ HIGH[b2]! ^ HIGH[b3]!;
    }
    for (; i < end; i++) {
      const index = (low ^ bytes[i]!) & 0xff;
      low = ((low >>> 8) | (high << 24)) ^ LOW[index]!;
      high = (high >>> 8) ^ HIGH[index]!;
    }
    this.#low = low;
    this.#high = high;
  }

  reset(): void {
    this.#low = 0;
    this.#high = 0;
  }
}

function fillTables(): void {
  for (let byte = 0; byte < 256; byte++) {
    let low = byte;
    let high = 0;
    for (let bit = 0; bit < 8; bit++) {
      const isOdd = (low & 1) === 1;
      low = (low >>> 1) | (high << 31);
      high >>>= 1;
      if (isOdd) {
        low ^= POLYNOMIAL_LOW;
        high ^= POLYNOMIAL_HIGH;
      }
    }
    LOW[byte] = low;
    HIGH[byte] = high;
  }
  for (let i = 256; i < TABLES * 256; i++) {
    const low = LOW[i - 256]!;
    const high = HIGH[i - 256]!;
    LOW[i] = ((low >>> 8) | (high << 24)) ^ LOW[low & 0xff]!;
    HIGH[i] = (high >>> 8) ^ HIGH[low & 0xff]!;
  }
}
