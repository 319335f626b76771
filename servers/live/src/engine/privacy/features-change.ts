const CELL = 8;
/** Mean difference of a cell's samples above which it has changed. */
const CHANGED_LEVEL = 5;

/** Running sums over the cells of a picture, so that any rectangle's change costs a few look-ups. */
export class ChangeMap {
  #columns = 0;
  #rows = 0;
  /** Sums over all cells above and to the left; one more row and column than there are cells. */
  #sums = new Int32Array(0);
  #counts = new Int32Array(0);

  /** @param cells Differences; see `cellDifferences`. */
  measure(cells: Int32Array, width: number, height: number): void {
    const columns = Math.ceil(width / CELL);
    const rows = Math.ceil(height / CELL);
    const stride = columns + 1;
    if (columns !== this.#columns || rows !== this.#rows) {
      this.#columns = columns;
      this.#rows = rows;
      this.#sums = new Int32Array(stride * (rows + 1));
      this.#counts = new Int32Array(stride * (rows + 1));
    }
    const sums = this.#sums;
    const counts = this.#counts;
    const limit = CHANGED_LEVEL * CELL * CELL;
    for (let row = 0, cell = 0; row < rows; row++) {
      let sum = 0;
      let count = 0;
      for (let column = 0, at = (row + 1) * stride + 1; column < columns; column++, at++, cell++) {
        const difference = cells[cell] as number;
        sum += difference;
        if (difference >= limit) count++;
        sums[at] = (sums[at - stride] as number) + sum;
        counts[at] = (counts[at - stride] as number) + count;
      }
    }
  }

  /** Writes mean change inside and outside of a rectangle, in levels, and shares of changed cells inside and outside. */
  compare(left: number, top: number, right: number, bottom: number, into: Float32Array, at: number): void {
    const x0 = Math.min(this.#columns, Math.round(left / CELL));
    const y0 = Math.min(this.#rows, Math.round(top / CELL));
    const x1 = Math.max(x0, Math.min(this.#columns, Math.round(right / CELL)));
    const y1 = Math.max(y0, Math.min(this.#rows, Math.round(bottom / CELL)));
    const inside = (x1 - x0) * (y1 - y0);
    const outside = this.#columns * this.#rows - inside;
    const sum = this.#within(this.#sums, x0, y0, x1, y1) / (CELL * CELL);
    const count = this.#within(this.#counts, x0, y0, x1, y1);
    const allSum = (this.#sums[this.#sums.length - 1] as number) / (CELL * CELL);
    const allCount = this.#counts[this.#counts.length - 1] as number;
    into[at] = inside > 0 ? sum / inside : 0;
    into[at + 1] = outside > 0 ? (allSum - sum) / outside : 0;
    into[at + 2] = inside > 0 ? count / inside : 0;
    into[at + 3] = outside > 0 ? (allCount - count) / outside : 0;
  }

  #within(sums: Int32Array, x0: number, y0: number, x1: number, y1: number): number {
    const stride = this.#columns + 1;
    const upper = (sums[y0 * stride + x1] as number) - (sums[y0 * stride + x0] as number);
    return (sums[y1 * stride + x1] as number) - (sums[y1 * stride + x0] as number) - upper;
  }
}
