import { mkdir, readdir, rm } from "node:fs/promises";
import { join } from "node:path";
import type { FencingEpoch } from "../engine/replica/epochs.ts";
import { ObjectsError } from "../errors.ts";
import { NO_PAST, type SourcePast } from "../storage/follower.ts";
import { STORE_FILE } from "../storage/open-store.ts";
import { Copy, type CopyOptions, readStoreFileOf } from "./copy.ts";
import {
  copyDirectory,
  copyOfName,
  newReplicaFile,
  type ReplicaFile,
  readReplicaFile,
  writeReplicaFile,
} from "./replica-file.ts";
import type { ReplicaStore } from "./replica-store.ts";

export interface CopiesOptions extends CopyOptions {
  /** The replica's data directory. */
  readonly directory: string;
  /** Where it copies from. */
  readonly source: string;
  /** What clients read. */
  readonly shown: ReplicaStore;
}

/**
 * The copies in a replica's directory: the one that is whole and is read, and beside it, while one is made from nothing, the
 * next. `replica.json` says which is which; the next takes the place of the other in one step, when it is whole.
 */
export class Copies {
  readonly #options: CopiesOptions;
  #file: ReplicaFile;
  #current: Copy | undefined;
  #next: Copy | undefined;
  /** The one that is there cannot go on: the next one is begun when the source says who it is. */
  #wantsNext = false;
  #leaving: Promise<void> = Promise.resolve();

  private constructor(options: CopiesOptions, file: ReplicaFile) {
    this.#options = options;
    this.#file = file;
  }

  /** Opens what is there. @throws ObjectsError STORE_UNREADABLE, FileError, StoreError, or an error of the disk or the index */
  static async open(options: CopiesOptions): Promise<Copies> {
    const { directory, source } = options;
    const found = await readReplicaFile(directory);
    const file = found === undefined ? newReplicaFile(source) : { ...found, source };
    // Before a copy is made: from now on the directory cannot be taken for a store's own.
    if (found?.source !== source) await writeReplicaFile(directory, file);
    const copies = new Copies(options, file);
    await copies.#removeOthers();
    try {
      copies.#current = await copies.#openFound(file.current, NO_PAST);
      if (copies.#current) await options.shown.show(copies.#current.follower.store);
      copies.#next = await copies.#openFound(file.next, { horizon: file.nextHorizon, drops: file.nextDrops });
    } catch (error) {
      await copies.close();
      throw error;
    }
    return copies;
  }

  /** The copy that the stream goes on with; undefined if one is to be begun. */
  get followed(): Copy | undefined {
    return this.#next ?? (this.#wantsNext ? undefined : this.#current);
  }

  /** The copy that is being made, or the one that is read if none is. */
  get active(): Copy | undefined {
    return this.#next ?? this.#current;
  }

  /** Which store they are of; undefined before the source has said so. */
  get storeId(): string | undefined {
    return this.active?.name.storeId;
  }

  get epochs(): readonly FencingEpoch[] {
    return this.active?.epochs ?? [];
  }

  get isWhole(): boolean {
    return this.#current !== undefined;
  }

  /** Whether one is made from nothing. */
  get isMakingNext(): boolean {
    return this.#next !== undefined || this.#wantsNext;
  }

  /** The followed copy cannot go on. What is read stays until there is another. @throws an error of the disk */
  async startFromNothing(): Promise<void> {
    const next = this.#next;
    this.#next = undefined;
    this.#wantsNext = true;
    if (next === undefined) return;
    await next.close();
    await this.#save({ next: 0, nextHorizon: 0, nextDrops: 0 });
    await rm(next.name.directory, { recursive: true, force: true });
  }

  /** Begins the copy that {@link Copies.followed} lacks. @throws FileError, StoreError, or an error of the disk or the index */
  async begin(storeId: string, epochs: readonly FencingEpoch[]): Promise<Copy> {
    const number = Math.max(this.#file.current, this.#file.next) + 1;
    const directory = copyDirectory(this.#options.directory, number);
    await rm(directory, { recursive: true, force: true });
    await this.#save({ next: number, nextHorizon: 0, nextDrops: 0 });
    await mkdir(directory, { recursive: true, mode: 0o700 });
    this.#next = await Copy.open({ number, directory, storeId, epochs, past: NO_PAST }, this.#options);
    this.#wantsNext = false;
    return this.#next;
  }

  /** Remembers what the next copy needs to go on after a start. @throws FileError */
  async keepPast(): Promise<void> {
    const { horizon, drops } = this.#next?.follower.past ?? NO_PAST;
    const { nextHorizon, nextDrops } = this.#file;
    if (horizon !== nextHorizon || drops !== nextDrops) await this.#save({ nextHorizon: horizon, nextDrops: drops });
  }

  /** The next copy is whole: it is read from now on, and the one before goes when nobody reads it any more. @throws FileError */
  async exchange(): Promise<void> {
    const next = this.#next;
    if (next === undefined) return;
    await this.#save({ current: next.name.number, next: 0, nextHorizon: 0, nextDrops: 0 });
    const before = this.#current;
    this.#current = next;
    this.#next = undefined;
    const isLeft = this.#options.shown.show(next.follower.store);
    if (before === undefined) return await isLeft;
    this.#leaving = isLeft.then(async () => {
      await before.close();
      await rm(before.name.directory, { recursive: true, force: true });
    });
    // What is left of it is removed at the next start.
    this.#leaving.catch(() => undefined);
  }

  /** Opens the followed copy anew, after a write of it has failed. @throws as {@link Copy.open} */
  async reopen(): Promise<void> {
    const copy = this.followed;
    if (copy === undefined) return;
    // Before it is closed: what can be read stays so.
    copy.checkRoom();
    if (copy === this.#current) await this.#options.shown.show(undefined);
    const opened = await copy.reopen();
    if (copy === this.#next) this.#next = opened;
    else {
      this.#current = opened;
      await this.#options.shown.show(opened.follower.store);
    }
  }

  /** Whatever waits for the disk's budget ends; before {@link Copies.close}. */
  async stop(): Promise<void> {
    await Promise.all([this.#next?.maintenance.close(), this.#current?.maintenance.close()]);
  }

  async close(): Promise<void> {
    try {
      await this.#next?.close();
    } finally {
      await this.#current?.close();
    }
    await this.#leaving.catch(() => undefined);
  }

  async #openFound(number: number, past: SourcePast): Promise<Copy | undefined> {
    if (number === 0) return undefined;
    const directory = copyDirectory(this.#options.directory, number);
    const file = await readStoreFileOf(directory);
    if (file === undefined) {
      // It was just being begun.
      if (number === this.#file.next) return undefined;
      const what = `Cannot open the replica in ${this.#options.directory}: ${join(directory, STORE_FILE)} is gone`;
      const mend = "Mount its disk, repair it by kagami objects repair, or follow in an empty directory";
      throw new ObjectsError("STORE_UNREADABLE", `${what}. ${mend}`);
    }
    const { storeId, epochs = [] } = file;
    return await Copy.open({ number, directory, storeId, epochs, past }, this.#options);
  }

  async #removeOthers(): Promise<void> {
    const { directory } = this.#options;
    for (const name of await readdir(directory)) {
      const number = copyOfName(name);
      if (number === undefined || number === this.#file.current || number === this.#file.next) continue;
      await rm(join(directory, name), { recursive: true, force: true });
    }
  }

  async #save(change: Partial<ReplicaFile>): Promise<void> {
    const file = { ...this.#file, ...change };
    await writeReplicaFile(this.#options.directory, file);
    this.#file = file;
  }
}
