/** What we use of rocksdb-native 3.18.1, read from its sources: it brings no types. */
declare module "rocksdb-native" {
  class ReadBatch {
    get(key: Uint8Array): Promise<Uint8Array | null>;
    tryFlush(): void;
    flush(): Promise<void>;
    destroy(): void;
  }
  class WriteBatch {
    tryPut(key: Uint8Array, value: Uint8Array): void;
    tryDelete(key: Uint8Array): void;
    tryDeleteRange(start: Uint8Array, end: Uint8Array): void;
    flush(): Promise<void>;
    destroy(): void;
  }
  interface Range {
    readonly gte?: Uint8Array;
    readonly lt?: Uint8Array;
    readonly limit?: number;
    readonly capacity?: number;
  }
  class RocksDB {
    constructor(path: string, options?: Readonly<Record<string, unknown>>);
    ready(): Promise<void>;
    close(options?: { force?: boolean }): Promise<void>;
    read(options?: { capacity?: number; autoDestroy?: boolean }): ReadBatch;
    write(options?: { capacity?: number; autoDestroy?: boolean }): WriteBatch;
    iterator(range: Range): AsyncIterable<{ key: Uint8Array; value: Uint8Array }>;
    snapshot(): RocksDB;
    flush(): Promise<void>;
    getProperty(name: string): Promise<string>;
  }
  export = RocksDB;
}
