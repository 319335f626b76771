/** A key of the index with its value. */
export interface IndexRow {
  readonly key: Uint8Array;
  readonly value: Uint8Array;
}

/** One change of a batch; a batch is applied whole or not at all. */
export type IndexChange =
  | { readonly kind: "put"; readonly key: Uint8Array; readonly value: Uint8Array }
  | { readonly kind: "delete"; readonly key: Uint8Array }
  /** `[from, to)`. No other change of the same batch lies in the range. */
  | { readonly kind: "deleteRange"; readonly from: Uint8Array; readonly to: Uint8Array };

/** Reads of an index at one instant. */
export interface IndexReader {
  /** The values in the order of the keys, in one trip. */
  get(keys: readonly Uint8Array[]): Promise<(Uint8Array | undefined)[]>;
  /** Rows with `from <= key < to` in the order of bytes, at most `limit`. */
  scan(from: Uint8Array, to: Uint8Array, limit: number): Promise<IndexRow[]>;
}

/** A reader that sees no later writes. It must be closed. */
export interface IndexSnapshot extends IndexReader {
  close(): Promise<void>;
}

/**
 * An ordered map of bytes on disk. Writes are atomic and in order, but not synced: a loss of power may take the last ones,
 * never one in the middle. {@link IndexEngine.flush} makes all that were written durable.
 */
export interface IndexEngine extends IndexReader {
  write(changes: readonly IndexChange[]): Promise<void>;
  snapshot(): IndexSnapshot;
  flush(): Promise<void>;
  close(): Promise<void>;
}
