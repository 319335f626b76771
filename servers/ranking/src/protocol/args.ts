/** Most arguments of one command, its name included. As Redis's multibulk limit. */
export const MAX_ARGS = 1_048_576;

const FIRST_CAPACITY = 64;

/**
 * The arguments of one command: `bytes[starts[i], ends[i])` for `i` below `count`; argument 0 is the command's name.
 *
 * Everything aliases the buffer that the command came in and is good only until the command is done: who keeps an
 * argument copies it.
 */
export class Args {
  bytes: Uint8Array = new Uint8Array(0);
  starts: Int32Array = new Int32Array(FIRST_CAPACITY);
  ends: Int32Array = new Int32Array(FIRST_CAPACITY);
  count = 0;

  push(start: number, end: number): void {
    const index = this.count;
    if (index === this.starts.length) this.#grow();
    this.starts[index] = start;
    this.ends[index] = end;
    this.count = index + 1;
  }

  /** A view of argument `index`. */
  view(index: number): Uint8Array {
    return this.bytes.subarray(this.starts[index], this.ends[index]);
  }

  /** A copy of argument `index`, to be kept. */
  copy(index: number): Uint8Array {
    // No `slice`: that of Node's buffers copies nothing.
    const copy = new Uint8Array(this.sizeOf(index));
    copy.set(this.view(index));
    return copy;
  }

  sizeOf(index: number): number {
    return this.ends[index]! - this.starts[index]!;
  }

  /** Argument `index` as text, byte by byte (Latin-1). For names and options, not for the hot path. */
  text(index: number): string {
    let text = "";
    for (let at = this.starts[index]!; at < this.ends[index]!; at++) text += String.fromCharCode(this.bytes[at]!);
    return text;
  }

  /** Whether argument `index` is this word, which must be in upper case, whatever its own case. */
  isWord(index: number, upperCase: string): boolean {
    const start = this.starts[index]!;
    if (this.ends[index]! - start !== upperCase.length) return false;
    for (let i = 0; i < upperCase.length; i++) {
      const byte = this.bytes[start + i]!;
      const folded = byte >= 97 && byte <= 122 ? byte - 32 : byte;
      if (folded !== upperCase.charCodeAt(i)) return false;
    }
    return true;
  }

  /** Becomes a copy of these arrays. */
  assign(values: readonly Uint8Array[]): void {
    let size = 0;
    for (const value of values) size += value.length;
    const bytes = new Uint8Array(size);
    this.bytes = bytes;
    this.count = 0;
    let at = 0;
    for (const value of values) {
      bytes.set(value, at);
      this.push(at, at + value.length);
      at += value.length;
    }
  }

  /** Becomes a copy of another's, from its argument `first` on, in bytes of its own. */
  copyFrom(other: Args, first = 0): void {
    let size = 0;
    for (let i = first; i < other.count; i++) size += other.sizeOf(i);
    const bytes = new Uint8Array(size);
    this.bytes = bytes;
    this.count = 0;
    let at = 0;
    for (let i = first; i < other.count; i++) {
      bytes.set(other.view(i), at);
      this.push(at, at + other.sizeOf(i));
      at += other.sizeOf(i);
    }
  }

  /** A copy with bytes of its own that takes no more memory than it must: for commands that wait. */
  packed(): Args {
    const copy = new Args();
    copy.starts = new Int32Array(this.count);
    copy.ends = new Int32Array(this.count);
    copy.copyFrom(this);
    return copy;
  }

  /** Bytes of all arguments together. */
  get byteCount(): number {
    let size = 0;
    for (let i = 0; i < this.count; i++) size += this.sizeOf(i);
    return size;
  }

  /** All of them as views. */
  views(first = 0): Uint8Array[] {
    const views: Uint8Array[] = [];
    for (let i = first; i < this.count; i++) views.push(this.view(i));
    return views;
  }

  /** Forgets them, and the memory of an unusually long command. */
  clear(): void {
    this.count = 0;
    if (this.starts.length <= 4_096) return;
    this.starts = new Int32Array(FIRST_CAPACITY);
    this.ends = new Int32Array(FIRST_CAPACITY);
  }

  #grow(): void {
    const starts = new Int32Array(2 * this.starts.length);
    const ends = new Int32Array(starts.length);
    starts.set(this.starts);
    ends.set(this.ends);
    this.starts = starts;
    this.ends = ends;
  }
}
