/** Random numbers from one seed (xorshift32), so that any input can be made again. */
export class FuzzRandom {
  #state: number;

  constructor(seed: number) {
    this.#state = (Math.imul(seed, 2_654_435_761) ^ 0x9e3779b9) >>> 0 || 1;
    for (let i = 0; i < 4; i++) this.below(2);
  }

  /** A whole number from 0 up to but not including `end`. */
  below(end: number): number {
    let state = this.#state;
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    this.#state = state >>> 0;
    return Math.floor((this.#state / 0x1_0000_0000) * end);
  }

  pick<Item>(items: readonly Item[]): Item {
    return items[this.below(items.length)] as Item;
  }
}

const LENGTHS = [0, 1, 0x7f, 0x80, 0xff, 0xffff, 0x10000, 0x7fffff, 0xffffff, 0x7fffffff, 0x80000000, 0xffffffff];
const BYTES = [0, 1, 2, 3, 5, 8, 9, 10, 11, 16, 17, 18, 20, 22, 0x43, 0x7f, 0x80, 0x83, 0xc3, 0xc6, 0xff];

/** A copy of `base` with one to eight things wrong. */
export function mutate(base: Uint8Array, random: FuzzRandom): Uint8Array {
  let bytes: Uint8Array = base.slice();
  const count = 1 + random.below(8);
  for (let i = 0; i < count && bytes.length > 0; i++) bytes = mutateOnce(bytes, random);
  return bytes;
}

function mutateOnce(bytes: Uint8Array, random: FuzzRandom): Uint8Array {
  const at = random.below(bytes.length);
  switch (random.below(8)) {
    case 0: // one bit
      bytes[at] = (bytes[at] as number) ^ (1 << random.below(8));
      return bytes;
    case 1: // one byte that means something
      bytes[at] = random.pick(BYTES);
      return bytes;
    case 2: // a cut
      return bytes.slice(0, at);
    case 3: // a slice that is gone
      return splice(bytes, at, random.below(64), bytes.subarray(0, 0));
    case 4: // a slice that comes twice
      return splice(bytes, at, 0, bytes.subarray(at, at + 1 + random.below(200)));
    case 5: // noise between
      return splice(bytes, at, 0, noise(1 + random.below(40), random));
    case 6: // a length of three bytes
      return writeNumber(bytes, at, random.pick(LENGTHS), 3);
    default: // a length of four
      return writeNumber(bytes, at, random.pick(LENGTHS), 4);
  }
}

function splice(bytes: Uint8Array, at: number, skip: number, insert: Uint8Array): Uint8Array {
  const rest = bytes.subarray(Math.min(bytes.length, at + skip));
  const out = new Uint8Array(at + insert.length + rest.length);
  out.set(bytes.subarray(0, at));
  out.set(insert, at);
  out.set(rest, at + insert.length);
  return out;
}

function noise(count: number, random: FuzzRandom): Uint8Array {
  const out = new Uint8Array(count);
  for (let i = 0; i < count; i++) out[i] = random.below(256);
  return out;
}

function writeNumber(bytes: Uint8Array, at: number, value: number, sizeBytes: number): Uint8Array {
  for (let i = 0; i < sizeBytes && at + i < bytes.length; i++) bytes[at + i] = value >>> ((sizeBytes - 1 - i) * 8);
  return bytes;
}
