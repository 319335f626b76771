import { blockUnitsOf, CLASS_BLOCKS, CLASS_COUNT, CLASS_UNITS, classOf } from "./size-classes.ts";

/** Bytes of a segment: what is taken from and given back to the system at once. */
export const SEGMENT_BYTES = 1 << 24;
/** A pointer counts units of 8 bytes. */
export const UNIT_SHIFT = 3;
/** `pointer >>> SEGMENT_SHIFT` is the segment, `pointer & OFFSET_MASK` the unit in it. */
export const SEGMENT_SHIFT = 21;
export const OFFSET_MASK = (1 << SEGMENT_SHIFT) - 1;
/** The largest block; what is larger is kept outside of the heap. */
export const MAX_BLOCK_BYTES = 65_536;

const PAGE_UNITS_SHIFT = 13;
const PAGES_PER_SEGMENT = 1 << (SEGMENT_SHIFT - PAGE_UNITS_SHIFT);
const MAX_SEGMENTS = 1 << (32 - SEGMENT_SHIFT);
/** Of these, kept for what a command that has begun still needs: 2 GiB. */
const RESERVED_SEGMENTS = 128;
const NO_PAGE = -1;
/** Empty segments that are kept for the next need. */
const SPARE_SEGMENTS = 1;

/** What the heap holds, in bytes. */
export interface HeapUse {
  /** Of all segments. */
  readonly reservedBytes: number;
  /** Of the pages that are in use by a size class. */
  readonly pageBytes: number;
  /** Of the blocks that are in use. */
  readonly liveBytes: number;
}

/**
 * Memory for records, tree nodes and values that no garbage collector looks at.
 *
 *     segment (16 MiB) = 256 pages (64 KiB); a page has blocks of one size class
 *     pointer (32 bit) = segment (11 bit) . unit of 8 bytes (21 bit); 0 is none
 *
 * A page has its own list of free blocks. When its last block is freed the page can serve another class, and a segment
 * without pages in use goes back to the system: that is why memory falls after FLUSHALL, and why a store whose values
 * change their sizes does not grow. The one who frees a block must say its size as it was allocated; every record says
 * its size in its head.
 *
 * `bytes`, `words` and `doubles` are the same memory seen three ways; read them through the pointer:
 * `heap.words[p >>> SEGMENT_SHIFT][(p & OFFSET_MASK) << 1]`. A block is not zeroed.
 */
export class Heap {
  readonly bytes: Uint8Array[] = [];
  readonly words: Int32Array[] = [];
  readonly doubles: Float64Array[] = [];
  /** Bytes of tables and big values that the structures keep outside of the segments; they add and subtract themselves. */
  outsideBytes = 0;
  /** Pages beyond which the heap {@link isNearlyFull}: those of 30 GiB. */
  pageLimit = (MAX_SEGMENTS - RESERVED_SEGMENTS) * PAGES_PER_SEGMENT;
  #liveUnits = 0;
  /** First page with a free block, by class. */
  readonly #partial = new Int32Array(CLASS_COUNT).fill(NO_PAGE);
  // By page:
  #pageClass = new Uint8Array(0);
  #pageFree = new Int32Array(0);
  #pageUsed = new Int32Array(0);
  #pageLive = new Int32Array(0);
  #pageNext = new Int32Array(0);
  #pagePrevious = new Int32Array(0);
  // By segment:
  #segmentPages = new Int32Array(0);
  readonly #freePages: number[] = [];
  readonly #freeSegments: number[] = [];
  #segmentCount = 0;
  #pageCount = 0;

  /**
   * A block of at least `byteCount` bytes, 1 to {@link MAX_BLOCK_BYTES}.
   *
   * @throws RangeError beyond 32 GiB.
   */
  allocate(byteCount: number): number {
    const sizeClass = classOf(byteCount);
    let page = this.#partial[sizeClass]!;
    if (page === NO_PAGE) page = this.#openPage(sizeClass);
    const units = CLASS_UNITS[sizeClass]!;
    let pointer = this.#pageFree[page]!;
    if (pointer !== 0) {
      this.#pageFree[page] = this.words[pointer >>> SEGMENT_SHIFT]![(pointer & OFFSET_MASK) << 1]!;
    } else {
      pointer = (page << PAGE_UNITS_SHIFT) + this.#pageUsed[page]!;
      this.#pageUsed[page]! += units;
    }
    const live = this.#pageLive[page]! + 1;
    this.#pageLive[page] = live;
    this.#liveUnits += units;
    if (live === CLASS_BLOCKS[sizeClass]!) this.#unlink(page, sizeClass);
    return pointer | 0;
  }

  /** Gives back a block that was allocated with a `byteCount` of the same class. */
  free(pointer: number, byteCount: number): void {
    const page = pointer >>> PAGE_UNITS_SHIFT;
    const sizeClass = classOf(byteCount);
    const live = this.#pageLive[page]!;
    if (this.#pageClass[page] !== sizeClass + 1 || live === 0) {
      throw new Error(`Block ${pointer >>> 0} of ${byteCount} bytes was not allocated with that size`);
    }
    this.words[pointer >>> SEGMENT_SHIFT]![(pointer & OFFSET_MASK) << 1] = this.#pageFree[page]!;
    this.#pageFree[page] = pointer;
    this.#pageLive[page] = live - 1;
    this.#liveUnits -= CLASS_UNITS[sizeClass]!;
    if (live === CLASS_BLOCKS[sizeClass]!) this.#link(page, sizeClass);
    if (live === 1) this.#closePage(page, sizeClass);
  }

  /** Whether a block for `oldBytes` is as large as one for `newBytes` would be, so that it can stay where it is. */
  isSameBlock(oldBytes: number, newBytes: number): boolean {
    return classOf(oldBytes) === classOf(newBytes);
  }

  get use(): HeapUse {
    const units = 1 << UNIT_SHIFT;
    return {
      reservedBytes: this.#segmentCount * SEGMENT_BYTES,
      pageBytes: (this.#pageCount << PAGE_UNITS_SHIFT) * units,
      liveBytes: this.#liveUnits * units,
    };
  }

  /** What is in use, with tables and big values. Cheap: asked before every write. */
  get usedBytes(): number {
    return this.#liveUnits * (1 << UNIT_SHIFT) + this.outsideBytes;
  }

  /** Whether nothing more should be begun that needs memory: beyond 32 GiB there are no pointers. */
  get isNearlyFull(): boolean {
    return this.#pageCount > this.pageLimit;
  }

  #openPage(sizeClass: number): number {
    if (this.#freePages.length === 0) this.#openSegment();
    const page = this.#freePages.pop()!;
    this.#pageClass[page] = sizeClass + 1;
    this.#pageFree[page] = 0;
    // Unit 0 of all is never handed out: its pointer would be none.
    this.#pageUsed[page] = page === 0 ? CLASS_UNITS[sizeClass]! : 0;
    this.#pageLive[page] = page === 0 ? 1 : 0;
    this.#pageCount++;
    this.#segmentPages[page >>> (SEGMENT_SHIFT - PAGE_UNITS_SHIFT)]!++;
    if (page !== 0 || CLASS_BLOCKS[sizeClass]! > 1) this.#link(page, sizeClass);
    else return this.#openPage(sizeClass);
    return page;
  }

  #closePage(page: number, sizeClass: number): void {
    // One open page stays with its class, or a class with one block that comes and goes would open it each time.
    if (this.#partial[sizeClass] === page && this.#pageNext[page] === NO_PAGE && this.#liveUnits > 0) return;
    this.#unlink(page, sizeClass);
    this.#giveUp(page);
  }

  #giveUp(page: number): void {
    this.#pageClass[page] = 0;
    this.#pageCount--;
    this.#freePages.push(page);
    const segment = page >>> (SEGMENT_SHIFT - PAGE_UNITS_SHIFT);
    const pages = this.#segmentPages[segment]! - 1;
    this.#segmentPages[segment] = pages;
    // The first segment stays: its first block is never free.
    if (pages === 0 && segment !== 0) this.#closeSegments();
  }

  /** Gives empty segments back to the system, but for a spare one. */
  #closeSegments(): void {
    let spare = 0;
    const closed = new Set<number>();
    for (let segment = 1; segment < this.bytes.length; segment++) {
      if (this.#segmentPages[segment] !== 0 || this.bytes[segment]!.length === 0) continue;
      if (spare++ >= SPARE_SEGMENTS) closed.add(segment);
    }
    if (closed.size === 0) return;
    const kept = this.#freePages.filter((page) => !closed.has(page >>> (SEGMENT_SHIFT - PAGE_UNITS_SHIFT)));
    this.#freePages.length = 0;
    for (const page of kept) this.#freePages.push(page);
    for (const segment of closed) {
      this.#putSegment(segment, new ArrayBuffer(0));
      this.#freeSegments.push(segment);
      this.#segmentCount--;
    }
  }

  #openSegment(): void {
    const segment = this.#freeSegments.pop() ?? this.bytes.length;
    if (segment >= MAX_SEGMENTS) throw new RangeError(`The heap has its ${MAX_SEGMENTS} segments`);
    this.#putSegment(segment, new ArrayBuffer(SEGMENT_BYTES));
    this.#segmentCount++;
    this.#growPages(this.bytes.length * PAGES_PER_SEGMENT);
    const first = segment * PAGES_PER_SEGMENT;
    for (let page = first + PAGES_PER_SEGMENT - 1; page >= first; page--) this.#freePages.push(page);
  }

  #putSegment(segment: number, buffer: ArrayBuffer): void {
    this.bytes[segment] = new Uint8Array(buffer);
    this.words[segment] = new Int32Array(buffer);
    this.doubles[segment] = new Float64Array(buffer);
  }

  #growPages(pageCount: number): void {
    if (pageCount <= this.#pageClass.length) return;
    const size = Math.max(pageCount, 2 * this.#pageClass.length);
    const classes = new Uint8Array(size);
    classes.set(this.#pageClass);
    this.#pageClass = classes;
    this.#pageFree = grown(this.#pageFree, size);
    this.#pageUsed = grown(this.#pageUsed, size);
    this.#pageLive = grown(this.#pageLive, size);
    this.#pageNext = grown(this.#pageNext, size);
    this.#pagePrevious = grown(this.#pagePrevious, size);
    this.#segmentPages = grown(this.#segmentPages, size / PAGES_PER_SEGMENT);
  }

  #link(page: number, sizeClass: number): void {
    const next = this.#partial[sizeClass]!;
    this.#pageNext[page] = next;
    this.#pagePrevious[page] = NO_PAGE;
    if (next !== NO_PAGE) this.#pagePrevious[next] = page;
    this.#partial[sizeClass] = page;
  }

  #unlink(page: number, sizeClass: number): void {
    const next = this.#pageNext[page]!;
    const previous = this.#pagePrevious[page]!;
    if (previous === NO_PAGE) this.#partial[sizeClass] = next;
    else this.#pageNext[previous] = next;
    if (next !== NO_PAGE) this.#pagePrevious[next] = previous;
  }

  /** Gives up the empty pages that classes keep open; after much was deleted. */
  trim(): void {
    for (let sizeClass = 0; sizeClass < CLASS_COUNT; sizeClass++) {
      let page = this.#partial[sizeClass]!;
      while (page !== NO_PAGE) {
        const next = this.#pageNext[page]!;
        if (this.#pageLive[page] === 0) {
          this.#unlink(page, sizeClass);
          this.#giveUp(page);
        }
        page = next;
      }
    }
  }

  /**
   * Walks through all pages and free blocks and compares them with the counts. For tests: it allocates much.
   *
   * @throws Error that says what of which page does not agree.
   */
  check(): void {
    let liveUnits = 0;
    let pages = 0;
    const linked = this.#checkPartialLists();
    for (let page = 0; page < this.#pageClass.length; page++) {
      const sizeClass = this.#pageClass[page]! - 1;
      if (sizeClass < 0) continue;
      pages++;
      const units = CLASS_UNITS[sizeClass]!;
      // The first block of all is never handed out, and counts as live.
      const reserved = page === 0 ? 1 : 0;
      const live = this.#pageUsed[page]! / units - this.#countFree(page, units);
      if (live !== this.#pageLive[page]!)
        fail(page, `${live} blocks are live and ${this.#pageLive[page]} were counted`);
      if (linked.has(page) !== live < CLASS_BLOCKS[sizeClass]!) fail(page, "is wrongly in or out of its class's list");
      liveUnits += (live - reserved) * units;
    }
    if (pages !== this.#pageCount) throw new Error(`${pages} pages are in use and ${this.#pageCount} were counted`);
    if (liveUnits === this.#liveUnits) return;
    throw new Error(`${liveUnits} units are live and ${this.#liveUnits} were counted`);
  }

  #checkPartialLists(): Set<number> {
    const linked = new Set<number>();
    for (let sizeClass = 0; sizeClass < CLASS_COUNT; sizeClass++) {
      let previous = NO_PAGE;
      for (let page = this.#partial[sizeClass]!; page !== NO_PAGE; page = this.#pageNext[page]!) {
        if (linked.has(page) || this.#pageClass[page] !== sizeClass + 1)
          fail(page, "is in a list where it is not at home");
        if (this.#pagePrevious[page] !== previous) fail(page, "does not know who is before it");
        linked.add(page);
        previous = page;
      }
    }
    return linked;
  }

  #countFree(page: number, units: number): number {
    const first = page << PAGE_UNITS_SHIFT;
    const seen = new Set<number>();
    for (let pointer = this.#pageFree[page]!; pointer !== 0; ) {
      const at = pointer - first;
      if (at < 0 || at >= this.#pageUsed[page]! || at % units !== 0) fail(page, `has a free block at ${at}`);
      if (seen.has(at)) fail(page, `has the free block at ${at} twice`);
      seen.add(at);
      pointer = this.words[pointer >>> SEGMENT_SHIFT]![(pointer & OFFSET_MASK) << 1]!;
    }
    return seen.size;
  }
}

function fail(page: number, what: string): never {
  throw new Error(`Page ${page} ${what}`);
}

function grown(old: Int32Array<ArrayBuffer>, size: number): Int32Array<ArrayBuffer> {
  const larger = new Int32Array(size);
  larger.set(old);
  return larger;
}

/** What a block for `byteCount` bytes really takes. */
export function blockBytesOf(byteCount: number): number {
  return blockUnitsOf(byteCount) << UNIT_SHIFT;
}
