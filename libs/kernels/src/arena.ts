import type { GrayImage, ImageSlot, Profile, ProfileSlot } from "./kernels.ts";
import { MAX_SIDE } from "./limits.ts";

/**
 * Hands out slots of one piece of memory, one behind the other, and takes none back.
 *
 * Behind each slot lie unused bytes: vector code may write whole vectors past the end of a picture's last row. A slot
 * keeps the view that it made last, so that a caller who asks for the same size again causes no garbage.
 */
export class Arena {
  readonly #buffer: ArrayBuffer;
  readonly #endBytes: number;
  #usedBytes: number;

  constructor(buffer: ArrayBuffer, startBytes: number, endBytes: number) {
    this.#buffer = buffer;
    this.#usedBytes = startBytes;
    this.#endBytes = endBytes;
  }

  image(maxSamples: number): ImageSlot {
    return new ArenaImage(this.#buffer, this.#take(maxSamples, 1), maxSamples);
  }

  profile(maxLength: number): ProfileSlot {
    return new ArenaProfile(this.#buffer, this.#take(maxLength, 4), maxLength);
  }

  shorts(length: number): Int16Array {
    return new Int16Array(this.#buffer, this.#take(length, 2), length);
  }

  words(length: number): Int32Array {
    return new Int32Array(this.#buffer, this.#take(length, 4), length);
  }

  /** Room for numbers that a kernel hands back. */
  numbers(length: number): Float64Array {
    return new Float64Array(this.#buffer, this.#take(length, 8), length);
  }

  /** Throws RangeError if the picture is not in this memory. */
  checkImage({ pixels, width, height }: GrayImage): void {
    if (pixels.buffer !== this.#buffer || pixels.length !== width * height) {
      throw new RangeError("Cannot work on a gray picture of other kernels: subsample it into a slot of these");
    }
  }

  /** Whether bytes lie in a slot's memory, so that writing the slot would change them. */
  overlaps(data: Uint8Array, slot: ArenaImage): boolean {
    if (data.buffer !== this.#buffer) return false;
    const endBytes = slot.offsetBytes + slot.maxSamples + SLACK_BYTES;
    return data.byteOffset < endBytes && data.byteOffset + data.length > slot.offsetBytes;
  }

  #take(length: number, unitBytes: number): number {
    if (!Number.isInteger(length) || length < 1 || length > MAX_SIDE * MAX_SIDE) {
      throw new RangeError(`Cannot make a slot for ${length}: use 1 to ${MAX_SIDE * MAX_SIDE}`);
    }
    const offsetBytes = this.#usedBytes;
    const endBytes = offsetBytes + ((length * unitBytes + SLACK_BYTES + 63) & ~63);
    if (endBytes > this.#endBytes) {
      const leftBytes = this.#endBytes - offsetBytes;
      throw new RangeError(
        `Cannot make a slot of ${length * unitBytes} bytes: ${leftBytes} are left. Give the kernels more memory`,
      );
    }
    this.#usedBytes = endBytes;
    return offsetBytes;
  }
}

/** What may be written or read behind a slot. */
const SLACK_BYTES = 64;

export class ArenaImage implements ImageSlot {
  readonly buffer: ArrayBuffer;
  readonly offsetBytes: number;
  readonly maxSamples: number;
  #last: GrayImage | undefined;

  constructor(buffer: ArrayBuffer, offsetBytes: number, maxSamples: number) {
    this.buffer = buffer;
    this.offsetBytes = offsetBytes;
    this.maxSamples = maxSamples;
  }

  /** Throws RangeError if the picture does not fit. */
  view(width: number, height: number): GrayImage {
    if (this.#last?.width === width && this.#last.height === height) return this.#last;
    if (width < 1 || height < 1 || width * height > this.maxSamples) {
      throw new RangeError(
        `Cannot write a picture of ${width} x ${height}: it needs 1 to ${this.maxSamples} samples to fit its slot`,
      );
    }
    this.#last = { width, height, pixels: new Uint8Array(this.buffer, this.offsetBytes, width * height) };
    return this.#last;
  }
}

export class ArenaProfile implements ProfileSlot {
  readonly buffer: ArrayBuffer;
  readonly offsetBytes: number;
  readonly maxLength: number;
  #last: Profile | undefined;

  constructor(buffer: ArrayBuffer, offsetBytes: number, maxLength: number) {
    this.buffer = buffer;
    this.offsetBytes = offsetBytes;
    this.maxLength = maxLength;
  }

  /** Throws RangeError if so many entries do not fit. */
  view(length: number): Profile {
    if (this.#last?.length === length) return this.#last;
    if (length > this.maxLength) {
      throw new RangeError(`Cannot write a profile of ${length} entries: its slot has room for ${this.maxLength}`);
    }
    this.#last = { length, sums: new Int32Array(this.buffer, this.offsetBytes, length) };
    return this.#last;
  }
}
