import { closeSync, existsSync, fsyncSync, openSync, readSync, renameSync, writeSync } from "node:fs";
import { dirname, join } from "node:path";
import { ObjectsError } from "../errors.ts";
import { encodeVolumeHeader, VOLUME_HEADER_BYTES, type VolumeHeader } from "../protocol/volume/index.ts";
import { locateStore } from "../replica/replica-file.ts";
import { writeEndMark } from "../storage/end-mark.ts";
import { NodeDisk } from "../storage/node-disk.ts";
import { INDEX_DIRECTORY, makeShardState, openIndex, type StoreFile, writeStoreFile } from "../storage/open-store.ts";
import { Recovery } from "../storage/recovery.ts";
import type { TierPlace } from "../storage/tiers/open-tiers.ts";
import { TieredDisk } from "../storage/tiers/tiered-disk.ts";
import type { LostObject } from "./findings.ts";
import { type FsckReport, fsckReport, renderFsck, renderLost } from "./fsck.ts";
import { KeepingDisk, Quarantine, syncDirectory } from "./quarantine.ts";
import { planRepair, type RepairAction, renderAction } from "./repair-plan.ts";
import { StoreSession } from "./store-session.ts";

/** A file gets its name, then the index is built, then what that shows: more rounds find nothing new. */
const MAX_ROUNDS = 4;

export interface RepairOptions {
  readonly directory: string;
  readonly nowMs: number;
  /** Tells what would be done, and does nothing. */
  readonly isDryRun: boolean;
  /** Builds the index anew even if nothing is wrong with it. */
  readonly rebuildsIndex: boolean;
  /** Where the store's tiers are, as far as that is not what the store remembers. */
  readonly tiers?: readonly TierPlace[];
  /** Called before each change of a file; for tests, which end the repair there. */
  readonly beforeStep?: () => void;
}

/** What a repair did, or would do. */
export interface RepairReport {
  readonly isDryRun: boolean;
  /** A line for each. */
  readonly actions: readonly string[];
  /** What is wrong afterwards, or now if nothing was done. */
  readonly left: FsckReport;
  /** What cannot be read, with what an index that was built anew does not know any more. */
  readonly lost: readonly LostObject[];
}

/**
 * Mends a store that no server has open, as far as it can be. Nothing is deleted: what is taken out goes to `quarantine/`.
 * Each step leaves a store that can be opened and repaired again, wherever the step before was the last one.
 *
 * @throws ObjectsError `STORE_IN_USE`, `STORE_UNREADABLE`, `REPAIR_FAILED`
 */
export async function repair(given: RepairOptions): Promise<RepairReport> {
  const place = await locateStore(given.directory);
  const session = await StoreSession.begin(place, given.tiers);
  try {
    return await new Repair({ ...given, directory: place.directory }, session).run();
  } finally {
    await session.end();
  }
}

/** The report for people. */
export function renderRepair({ isDryRun, actions, left, lost }: RepairReport): string {
  const lines = actions.map((line) => `${isDryRun ? "would " : ""}mend ${line}`);
  if (actions.length === 0) lines.push("there is nothing that a repair can mend");
  lines.push(...lost.slice(0, lost.length - left.lost.length).map(renderLost));
  lines.push(isDryRun ? "nothing was changed; this is the store as it is:" : "this is the store as it is now:");
  return `${lines.join("\n")}\n${renderFsck(left)}`;
}

class Repair {
  readonly #options: RepairOptions;
  readonly #session: StoreSession;
  readonly #beforeStep: () => void;
  readonly #quarantine: Quarantine;
  readonly #done: string[] = [];

  constructor(options: RepairOptions, session: StoreSession) {
    this.#options = options;
    this.#session = session;
    this.#beforeStep = options.beforeStep ?? (() => undefined);
    this.#quarantine = new Quarantine(options.directory, this.#beforeStep);
  }

  async run(): Promise<RepairReport> {
    const { directory, isDryRun, nowMs } = this.#options;
    let { rebuildsIndex } = this.#options;
    let forgotten: readonly LostObject[] = [];
    for (let round = 1; ; round++) {
      const check = await this.#session.check(nowMs);
      const actions = planRepair(check, rebuildsIndex);
      this.#quarantine.setRoots(this.#session.rootsOf(check.storeFile));
      if (actions.length === 0 || isDryRun || round > MAX_ROUNDS) {
        const lines = isDryRun ? actions.map(renderAction) : this.#done;
        const left = fsckReport(directory, check.findings, check.totals);
        return { isDryRun, actions: lines, left, lost: [...forgotten, ...left.lost] };
      }
      if (actions.some(({ kind }) => kind === "rebuild-index")) forgotten = check.findings.lost;
      for (const action of actions) {
        await this.#try(action, check.storeFile);
        if (action.kind === "rebuild-index") rebuildsIndex = false;
      }
    }
  }

  async #try(action: RepairAction, file: StoreFile): Promise<void> {
    this.#done.push(renderAction(action));
    try {
      await this.#do(action, file);
    } catch (cause) {
      const what = `Cannot mend ${action.where} in ${this.#options.directory}: ${(cause as Error).message}`;
      throw new ObjectsError("REPAIR_FAILED", `${what}. What was done before stays; run it again`, { cause });
    }
  }

  async #do(action: RepairAction, file: StoreFile): Promise<void> {
    const { directory } = this.#options;
    const root = this.#quarantine.rootOf(action.where);
    const path = join(root, action.where);
    switch (action.kind) {
      case "write-store-file":
        if (existsSync(path)) this.#quarantine.move(action.where);
        this.#beforeStep();
        await writeStoreFile(path, action.file);
        return syncDirectory(directory);
      case "quarantine":
        this.#quarantine.move(action.where);
        return;
      case "rename-volume": {
        const to = join(root, action.to);
        // Two copies of one volume: the first has taken the name.
        if (existsSync(to)) return void this.#quarantine.move(action.where);
        this.#beforeStep();
        renameSync(path, to);
        return syncDirectory(dirname(to));
      }
      case "write-header":
        return this.#writeHeader(action.where, action.header);
      case "write-end-mark":
        this.#beforeStep();
        return await writeEndMark(new NodeDisk(directory), action.volumeId, action.endOffset);
      case "rebuild-index":
        return await this.#rebuildIndex(file);
      default:
        action satisfies never;
    }
  }

  #writeHeader(where: string, header: VolumeHeader): void {
    const file = openSync(join(this.#quarantine.rootOf(where), where), "r+");
    try {
      const before = Buffer.alloc(VOLUME_HEADER_BYTES);
      const count = readSync(file, before, 0, VOLUME_HEADER_BYTES, 0);
      this.#quarantine.keep(`${where}.header`, before.subarray(0, count));
      this.#beforeStep();
      writeSync(file, encodeVolumeHeader(header), 0, VOLUME_HEADER_BYTES, 0);
      fsyncSync(file);
    } finally {
      closeSync(file);
    }
  }

  async #rebuildIndex(file: StoreFile): Promise<void> {
    const { directory } = this.#options;
    const { storeId, engine } = file;
    const disks = new TieredDisk(new NodeDisk(directory), await this.#session.openTiers(file, "write"));
    if (existsSync(join(directory, INDEX_DIRECTORY))) this.#quarantine.move(INDEX_DIRECTORY);
    this.#beforeStep();
    const index = await openIndex(engine, join(directory, INDEX_DIRECTORY));
    try {
      const disk = new KeepingDisk(disks, this.#quarantine, (path, name) => {
        this.#done.push(`${path}: kept as ${name}, the index does not need it`);
      });
      const state = makeShardState({ disk, index, storeId, options: {} });
      try {
        await new Recovery(state, await this.#session.followedUpTo()).run();
        await index.flush();
      } finally {
        state.volumes.close();
      }
    } finally {
      await index.close();
    }
  }
}
