import type { HeldSample } from "./gate-types.ts";

/**
 * The pictures since the publisher's last key frame, which bring the decoder of a new filter process to where the one
 * before it was. Bounded by bytes: a group that outgrows them is let go whole, since half of one cannot be decoded.
 */
export class ReplayGroup {
  readonly #maxBytes: number;
  #pictures: HeldSample[] = [];
  #byteCount = 0;

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  /** In decoding order; begins with a key frame, or is empty. */
  get pictures(): readonly HeldSample[] {
    return this.#pictures;
  }

  get byteCount(): number {
    return this.#byteCount;
  }

  add(picture: HeldSample): void {
    const { isKey, data } = picture.sample;
    if (isKey) this.clear();
    else if (this.#pictures.length === 0) return;
    this.#pictures.push(picture);
    this.#byteCount += data.length;
    if (this.#byteCount > this.#maxBytes) this.clear();
  }

  clear(): void {
    this.#pictures = [];
    this.#byteCount = 0;
  }
}
