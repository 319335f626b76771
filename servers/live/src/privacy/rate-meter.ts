const WINDOW_US = 2_000_000;
const SHORTEST_US = 200_000;

/** The rate of a stream over its last seconds, by the times in it. */
export class RateMeter {
  readonly #pictures: { readonly ptsUs: number; readonly sizeBytes: number }[] = [];
  #sumBytes = 0;

  add(ptsUs: number, sizeBytes: number): void {
    this.#pictures.push({ ptsUs, sizeBytes });
    this.#sumBytes += sizeBytes;
    for (;;) {
      const first = this.#pictures[0];
      // A clock that was set back leaves times that lie ahead.
      if (first === undefined || Math.abs(ptsUs - first.ptsUs) <= WINDOW_US) return;
      this.#pictures.shift();
      this.#sumBytes -= first.sizeBytes;
    }
  }

  /** 0 before there is anything to tell it by. */
  get bitsPerSecond(): number {
    const first = this.#pictures[0];
    const last = this.#pictures.at(-1);
    if (first === undefined || last === undefined) return 0;
    const spanUs = Math.abs(last.ptsUs - first.ptsUs);
    return spanUs < SHORTEST_US ? 0 : (this.#sumBytes * 8e6) / spanUs;
  }
}
