/** CRCs that can be combined: reflected, beginning and ending with all ones. */
export type CrcName = "CRC32" | "CRC32C" | "CRC64NVME";

/** A polynomial over GF(2), reflected: the highest bit of `high` is x^0. CRCs of 32 bits leave `low` at 0. */
interface Polynomial {
  readonly high: number;
  readonly low: number;
}

interface Field {
  readonly widthBits: 32 | 64;
  readonly modulus: Polynomial;
}

const FIELDS: Readonly<Record<CrcName, Field>> = {
  CRC32: { widthBits: 32, modulus: { high: 0xedb88320, low: 0 } },
  CRC32C: { widthBits: 32, modulus: { high: 0x82f63b78, low: 0 } },
  CRC64NVME: { widthBits: 64, modulus: { high: 0x9a6c9329, low: 0xac4bc9b5 } },
};

const ONE: Polynomial = { high: 0x80000000, low: 0 };
const X: Polynomial = { high: 0x40000000, low: 0 };

/** A CRC and the count of bytes that it covers. */
export interface CrcOfPart {
  /** Big-endian, 4 or 8 bytes. */
  readonly crc: Uint8Array;
  readonly sizeBytes: number;
}

/**
 * The CRC of parts one behind the other, out of the CRCs of the parts: no byte is read again. Appending n bytes
 * multiplies a CRC with x^8n, so `crc(ab) = crc(a) * x^8n + crc(b)`.
 *
 * Parts of one size share their factor, so 10,000 equal parts cost 10,000 multiplications.
 */
export function combineCrcs(name: CrcName, parts: readonly CrcOfPart[]): Uint8Array {
  const field = FIELDS[name];
  const factors = new Map<number, Polynomial>();
  let total: Polynomial = { high: 0, low: 0 };
  for (const { crc, sizeBytes } of parts) {
    let factor = factors.get(sizeBytes);
    if (factor === undefined) {
      factor = powerOfX8(field, sizeBytes);
      factors.set(sizeBytes, factor);
    }
    const shifted = multiply(field, factor, total);
    const own = readPolynomial(crc, field.widthBits);
    total = { high: (shifted.high ^ own.high) >>> 0, low: (shifted.low ^ own.low) >>> 0 };
  }
  return writePolynomial(total, field.widthBits);
}

/** x^8n, by squaring. `exponent` may be beyond 32 bits. */
function powerOfX8(field: Field, exponent: number): Polynomial {
  const x2 = multiply(field, X, X);
  const x4 = multiply(field, x2, x2);
  let square = multiply(field, x4, x4);
  let power = ONE;
  for (let rest = exponent; rest > 0; rest = Math.floor(rest / 2)) {
    if (rest % 2 === 1) power = multiply(field, power, square);
    square = multiply(field, square, square);
  }
  return power;
}

/** Adds up `b * x^i` for each bit i of `a`, `b` being multiplied with x step by step. */
function multiply({ widthBits, modulus }: Field, a: Polynomial, b: Polynomial): Polynomial {
  let high = 0;
  let low = 0;
  let bHigh = b.high;
  let bLow = b.low;
  for (let bit = 0; bit < widthBits; bit++) {
    const word = bit < 32 ? a.high : a.low;
    if ((word >>> (31 - (bit & 31))) & 1) {
      high ^= bHigh;
      low ^= bLow;
    }
    const carry = (widthBits === 32 ? bHigh : bLow) & 1;
    if (widthBits === 64) bLow = (bLow >>> 1) | (bHigh << 31);
    bHigh >>>= 1;
    if (carry) {
      bHigh ^= modulus.high;
      bLow ^= modulus.low;
    }
  }
  return { high: high >>> 0, low: low >>> 0 };
}

function readPolynomial(bytes: Uint8Array, widthBits: 32 | 64): Polynomial {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  return { high: view.getUint32(0), low: widthBits === 64 ? view.getUint32(4) : 0 };
}

function writePolynomial({ high, low }: Polynomial, widthBits: 32 | 64): Uint8Array {
  const bytes = new Uint8Array(widthBits / 8);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, high);
  if (widthBits === 64) view.setUint32(4, low);
  return bytes;
}
