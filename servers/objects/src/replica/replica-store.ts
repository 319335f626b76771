import type { ShardStore } from "../storage/shard-store.ts";
import {
  type BodyWriter,
  type ListRequest,
  type ObjectStore,
  type OpenObject,
  StoreError,
} from "../store/object-store.ts";

interface Target {
  readonly store: ShardStore;
  openCount: number;
  /** Called when nobody reads it any more; set when it is no longer shown. */
  onIdle: (() => void) | undefined;
}

/**
 * The copy of a store, as the service sees it: reads go to the copy that is shown at this moment, which may be exchanged
 * for another while objects of the old one are still read; writes are refused.
 */
export class ReplicaStore implements ObjectStore {
  readonly #source: string;
  #target: Target | undefined;

  /** @param source Where to write instead; it is told to clients. */
  constructor(source: string) {
    this.#source = source;
  }

  /** The copy that is shown; undefined before one is whole. */
  get shown(): ShardStore | undefined {
    return this.#target?.store;
  }

  /** Shows another copy from now on. Resolves when nobody reads the one before any more. */
  async show(store: ShardStore | undefined): Promise<void> {
    const before = this.#target;
    this.#target = store && { store, openCount: 0, onIdle: undefined };
    if (before === undefined || before.openCount === 0) return;
    await new Promise<void>((resolve) => {
      before.onIdle = resolve;
    });
  }

  /** It is asked by who writes, which is refused. */
  get storageClasses(): ReadonlySet<string> {
    return this.#target?.store.storageClasses ?? ONLY_STANDARD;
  }

  bucket(name: string) {
    return this.#read.bucket(name);
  }

  buckets() {
    return this.#read.buckets();
  }

  hasExpiringObjects(name: string): boolean {
    return this.#read.hasExpiringObjects(name);
  }

  async head(bucket: string, key: string, versionId?: string) {
    return await this.#held((store) => store.head(bucket, key, versionId));
  }

  openNow(bucket: string, key: string): OpenObject | undefined {
    // In memory: it needs no files and is never closed.
    return this.#read.openNow(bucket, key);
  }

  async open(bucket: string, key: string, versionId?: string): Promise<OpenObject | undefined> {
    const target = this.#shownTarget;
    target.openCount++;
    let opened: OpenObject | undefined;
    try {
      opened = await target.store.open(bucket, key, versionId);
    } finally {
      if (opened === undefined) leave(target);
    }
    return opened && new HeldObject(opened, () => leave(target));
  }

  async list(request: ListRequest) {
    return await this.#held((store) => store.list(request));
  }

  async upload(bucket: string, key: string, uploadId: string) {
    return await this.#held((store) => store.upload(bucket, key, uploadId));
  }

  async listParts(bucket: string, key: string, uploadId: string, after: number, limit: number) {
    return await this.#held((store) => store.listParts(bucket, key, uploadId, after, limit));
  }

  async listUploads(request: Parameters<ObjectStore["listUploads"]>[0]) {
    return await this.#held((store) => store.listUploads(request));
  }

  createBucket(): Promise<never> {
    return this.#refuse();
  }

  deleteBucket(): Promise<never> {
    return this.#refuse();
  }

  updateBucket(): Promise<never> {
    return this.#refuse();
  }

  put(): BodyWriter<never> {
    throw this.#refusal();
  }

  copy(): Promise<never> {
    return this.#refuse();
  }

  setTags(): Promise<never> {
    return this.#refuse();
  }

  delete(): Promise<never> {
    return this.#refuse();
  }

  createUpload(): Promise<never> {
    return this.#refuse();
  }

  putPart(): BodyWriter<never> {
    throw this.#refusal();
  }

  completeUpload(): Promise<never> {
    return this.#refuse();
  }

  abortUpload(): Promise<never> {
    return this.#refuse();
  }

  /** Who opened the copies closes them. */
  async close(): Promise<void> {}

  get #shownTarget(): Target {
    if (this.#target !== undefined) return this.#target;
    throw new StoreError(
      "NOT_COPIED",
      `This replica of ${this.#source} is not whole yet. Ask again later, or ask there`,
    );
  }

  get #read(): ShardStore {
    return this.#shownTarget.store;
  }

  /** Reads from one copy, which stays open until that is done. */
  async #held<Result>(read: (store: ShardStore) => Promise<Result>): Promise<Result> {
    const target = this.#shownTarget;
    target.openCount++;
    try {
      return await read(target.store);
    } finally {
      leave(target);
    }
  }

  #refusal(): StoreError {
    return new StoreError("READ_ONLY", `This is a replica of ${this.#source} and takes no writes. Write there`);
  }

  async #refuse(): Promise<never> {
    throw this.#refusal();
  }
}

function leave(target: Target): void {
  target.openCount--;
  if (target.openCount === 0) target.onIdle?.();
}

/** An object whose copy stays open until it is closed. */
class HeldObject implements OpenObject {
  readonly #object: OpenObject;
  readonly #onClose: () => void;
  #isClosed = false;

  constructor(object: OpenObject, onClose: () => void) {
    this.#object = object;
    this.#onClose = onClose;
  }

  get entry() {
    return this.#object.entry;
  }

  get inMemory() {
    return this.#object.inMemory;
  }

  read(start: number, end: number, buffer?: Uint8Array): AsyncIterable<Uint8Array> {
    return this.#object.read(start, end, buffer);
  }

  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#object.close();
    this.#onClose();
  }
}

const ONLY_STANDARD: ReadonlySet<string> = new Set(["STANDARD"]);
