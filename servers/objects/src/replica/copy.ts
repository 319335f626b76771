import { readFile } from "node:fs/promises";
import { join } from "node:path";
import type { TimerClock } from "@kagami/clock";
import type { FencingEpoch } from "../engine/replica/epochs.ts";
import type { Follower, SourcePast } from "../storage/follower.ts";
import { Maintenance, type MaintenanceEvent, type MaintenanceOptions } from "../storage/maintenance.ts";
import { openFollower, STORE_FILE, type StoreFile, type StoreOptions, writeStoreFile } from "../storage/open-store.ts";
import { StoreError } from "../store/object-store.ts";

/** What all copies of a replica are opened with. */
export interface CopyOptions {
  readonly store: Omit<StoreOptions, "directory">;
  readonly maintenance: MaintenanceOptions;
  readonly clock: TimerClock;
  readonly onMaintenance: (event: MaintenanceEvent) => void;
}

/** Which copy of which store. */
export interface CopyName {
  readonly number: number;
  readonly directory: string;
  readonly storeId: string;
  readonly epochs: readonly FencingEpoch[];
  readonly past: SourcePast;
}

/** A copy of the source's shard in a directory of its own, open. */
export class Copy {
  readonly name: CopyName;
  readonly follower: Follower;
  readonly maintenance: Maintenance;
  readonly #options: CopyOptions;
  #epochs: readonly FencingEpoch[];

  private constructor(name: CopyName, follower: Follower, options: CopyOptions) {
    this.name = name;
    this.follower = follower;
    this.#options = options;
    this.#epochs = name.epochs;
    this.maintenance = new Maintenance(follower.store, options.clock, options.maintenance, options.onMaintenance);
  }

  /** Opens it, or begins it. @throws StoreError, or an error of the disk or the index */
  static async open(name: CopyName, options: CopyOptions): Promise<Copy> {
    const { directory, storeId, epochs, past } = name;
    const follower = await openFollower({ ...options.store, directory, storeId, epochs, past });
    return new Copy(name, follower, options);
  }

  get epochs(): readonly FencingEpoch[] {
    return this.#epochs;
  }

  /** The source has been promoted since: from now on nothing of an older writer is taken. @throws the system's error */
  async setEpochs(epochs: readonly FencingEpoch[]): Promise<void> {
    const { directory, storeId } = this.name;
    const engine = this.#options.store.engine ?? "rocksdb-native";
    const file: StoreFile = (await readStoreFileOf(directory)) ?? { storeId, engine };
    await writeStoreFile(join(directory, STORE_FILE), { ...file, epochs });
    this.#epochs = epochs;
  }

  /** Closes it and opens it again: a write has failed. @throws as {@link Copy.open} */
  async reopen(): Promise<Copy> {
    await this.close();
    return await Copy.open({ ...this.name, epochs: this.#epochs, past: this.follower.past }, this.#options);
  }

  /** @throws StoreError DISK_FULL when nothing may be written but what frees room */
  checkRoom(): void {
    const { disk, options } = this.follower.store.state;
    if (disk.freeBytes() >= options.reserveBytes) return;
    const what = `Cannot copy more: less than ${options.reserveBytes} bytes are free below ${this.name.directory}`;
    throw new StoreError("DISK_FULL", `${what}. Give the disk room; the copy stays readable and goes on then`);
  }

  async close(): Promise<void> {
    await this.maintenance.close();
    await this.follower.close();
  }
}

/** What a copy says of itself; undefined if it was never begun. @throws the system's error; SyntaxError */
export async function readStoreFileOf(directory: string): Promise<StoreFile | undefined> {
  try {
    return JSON.parse(await readFile(join(directory, STORE_FILE), "utf8")) as StoreFile;
  } catch (error) {
    if ((error as { code?: unknown }).code === "ENOENT") return undefined;
    throw error;
  }
}
