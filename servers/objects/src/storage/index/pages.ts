import type { IndexReader, IndexRow } from "./index-engine.ts";

/** A range of keys: `from <= key < to`. */
export interface KeyRange {
  readonly from: Uint8Array;
  readonly to: Uint8Array;
}

/** All rows of a range in the order of their keys, so many at a time; the last page may be empty. */
export async function* pagesOf(
  reader: Pick<IndexReader, "scan">,
  { from, to }: KeyRange,
  pageRows: number,
): AsyncGenerator<readonly IndexRow[]> {
  for (let at = from; ; ) {
    const rows = await reader.scan(at, to, pageRows);
    yield rows;
    const last = rows.at(-1);
    if (last === undefined || rows.length < pageRows) return;
    at = Buffer.concat([last.key, Uint8Array.of(0)]);
  }
}
