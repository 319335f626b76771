import type { VolumeHeader } from "../protocol/volume/index.ts";
import { endMarkPath, volumePath } from "../storage/disk.ts";
import { INDEX_DIRECTORY, STORE_FILE, type StoreFile } from "../storage/open-store.ts";
import type { SessionCheck } from "./store-session.ts";
import { headerFromRecords, type VolumeCheck } from "./volume-check.ts";

/** One thing that a repair does, in this order. */
export type RepairAction =
  | { readonly kind: "write-store-file"; readonly where: string; readonly file: StoreFile }
  | { readonly kind: "quarantine"; readonly where: string; readonly why: string }
  | { readonly kind: "rename-volume"; readonly where: string; readonly to: string }
  | { readonly kind: "write-header"; readonly where: string; readonly header: VolumeHeader }
  | { readonly kind: "write-end-mark"; readonly where: string; readonly volumeId: number; readonly endOffset: number }
  | { readonly kind: "rebuild-index"; readonly where: string; readonly why: string };

/**
 * What mends the things that were found, as far as they can be. The index comes last: marks are made of what it says, and
 * it is built from volumes that are mended.
 *
 * @param rebuildsIndex Builds the index anew even if nothing is wrong with it.
 */
export function planRepair(check: SessionCheck, rebuildsIndex: boolean): RepairAction[] {
  const actions: RepairAction[] = [];
  if (!check.isStoreFileGood) actions.push({ kind: "write-store-file", where: STORE_FILE, file: check.storeFile });
  for (const id of check.tornEndMarks) {
    actions.push({ kind: "quarantine", where: endMarkPath(id), why: "it was not finished" });
  }
  for (const id of check.unusableVolumes) {
    const volume = check.volumes.get(id);
    if (volume !== undefined) actions.push(mendVolume(volume, check));
  }
  for (const { id, isSealed, endOffset } of check.volumeRows.values()) {
    const volume = check.volumes.get(id);
    if (!isSealed || volume === undefined || volume.sizeBytes <= endOffset || check.endMarks.has(id)) continue;
    actions.push({ kind: "write-end-mark", where: endMarkPath(id), volumeId: id, endOffset });
  }
  // Before the index is built of it a volume must have its name: a second look then knows what is lost.
  const isIndexSure = !actions.some(({ kind }) => kind === "rename-volume");
  if (isIndexSure && (rebuildsIndex || !check.isIndexGood)) {
    const why = check.isIndexGood ? "it was asked for" : "it is missing, damaged, or not what the volumes say";
    if (check.totals.volumes > 0) actions.push({ kind: "rebuild-index", where: INDEX_DIRECTORY, why });
  } else if (isIndexSure) {
    for (const { code, where } of check.findings.list) {
      if (code === "blob-orphan") actions.push({ kind: "quarantine", where, why: "no object owns it" });
    }
  }
  return actions;
}

/** One line. */
export function renderAction(action: RepairAction): string {
  switch (action.kind) {
    case "write-store-file":
      return `${action.where}: write it anew, by what a volume says`;
    case "quarantine":
      return `${action.where}: move to quarantine, ${action.why}`;
    case "rename-volume":
      return `${action.where}: rename to ${action.to}, by its header`;
    case "write-header":
      return `${action.where}: write its header anew, by its records`;
    case "write-end-mark":
      return `${action.where}: mark that the volume ends at byte ${action.endOffset}`;
    case "rebuild-index":
      return `${action.where}: build it from the volumes, ${action.why}`;
    default:
      return action satisfies never;
  }
}

function mendVolume(volume: VolumeCheck, check: SessionCheck): RepairAction {
  const where = volumePath(volume.id);
  const { header } = volume;
  if (header !== undefined) {
    const isOurs = header.storeId === check.storeFile.storeId && header.shard === 0;
    if (!isOurs) return { kind: "quarantine", where, why: "it is another store's" };
    if (check.volumes.has(header.volumeId)) {
      return { kind: "quarantine", where, why: `it is a copy of ${volumePath(header.volumeId)}` };
    }
    return { kind: "rename-volume", where, to: volumePath(header.volumeId) };
  }
  const made = headerFromRecords(volume, check.storeFile.storeId, check.groups);
  if (made === undefined) return { kind: "quarantine", where, why: "neither its header nor a record can be read" };
  return { kind: "write-header", where, header: made };
}
