import {
  decodeHead,
  decodeVolumeHeader,
  type GroupInfo,
  headBytesOf,
  peekHeadBytes,
  RECORD_KINDS,
  type RecordHead,
  recordBytesOf,
  VOLUME_HEADER_BYTES,
  type VolumeHeader,
} from "../protocol/volume/index.ts";
import { NO_GROUP } from "../storage/catalog.ts";
import { type Disk, volumePath } from "../storage/disk.ts";
import { asBuffer, fromJsonBytes } from "../storage/object-json.ts";
import { VolumeScanner } from "../storage/volume-scanner.ts";
import type { StoreIdentity } from "../storage/volume-set.ts";

/** Of a damaged range so much is searched for heads that can still be read. */
const SEARCH_BYTES = 67_108_864;
/** So many of them are named. */
const NAMED_RECORDS = 1_000;

/** Bytes of a volume in which no record can be read. */
export interface DamagedRange {
  readonly start: number;
  readonly end: number;
  /** Records whose head is whole: their body fails its checksums, or they stand out of order. */
  readonly heads: readonly RecordHead[];
}

/** What a volume's file holds. */
export interface VolumeCheck {
  readonly id: number;
  readonly sizeBytes: number;
  /** Undefined if it is damaged or too short. */
  readonly header: VolumeHeader | undefined;
  readonly recordCount: number;
  readonly damaged: readonly DamagedRange[];
  /** Behind the last good record. */
  readonly endOffset: number;
  /** What the first record says: all of a volume are of one group. */
  readonly firstRecord: RecordHead | undefined;
  readonly lastExpiresMs: number;
  /** Groups that records in it have made. */
  readonly madeGroups: readonly GroupInfo[];
}

/**
 * Reads a volume's header and all its records with their bodies.
 *
 * @param known Up to where it is known to hold synced records, and where it ends because a mark says so.
 * @throws the system's error
 */
export async function checkVolume(
  disk: Disk,
  identity: StoreIdentity,
  id: number,
  known: { readonly syncedEnd: number | undefined; readonly endMark: number | undefined },
): Promise<VolumeCheck> {
  const file = disk.open(volumePath(id));
  try {
    const sizeBytes = file.sizeBytes();
    const readAt = (offset: number, bytes: number) => file.read(offset, bytes);
    const header = decodeVolumeHeader(await readAt(0, VOLUME_HEADER_BYTES));
    const end = Math.min(sizeBytes, known.endMark ?? sizeBytes);
    const scanner = new VolumeScanner({
      ...{ volumeId: id, readAt, sizeBytes: end, seed: identity.seed, checksBodies: true },
      ...(known.syncedEnd === undefined ? {} : { syncedEnd: Math.min(known.syncedEnd, end) }),
    });
    let [recordCount, lastExpiresMs] = [0, 0];
    let firstRecord: RecordHead | undefined;
    const madeGroups: GroupInfo[] = [];
    for (let record = await scanner.next(); record !== undefined; record = await scanner.next()) {
      recordCount++;
      firstRecord ??= record.head;
      lastExpiresMs = Math.max(lastExpiresMs, record.head.expiresMs);
      if (record.head.kind === RECORD_KINDS.groupMade) madeGroups.push(fromJsonBytes(record.head.metadata));
    }
    const ranges = [...scanner.damaged];
    const wanted = known.syncedEnd ?? 0;
    const { endOffset } = scanner;
    if (endOffset < wanted && endOffset < end) ranges.push({ start: endOffset, end: Math.min(wanted, end) });
    const damaged: DamagedRange[] = [];
    for (const range of ranges) damaged.push({ ...range, heads: await headsIn(range, readAt, identity.seed) });
    return { id, sizeBytes, header, recordCount, damaged, endOffset, firstRecord, lastExpiresMs, madeGroups };
  } finally {
    file.close();
  }
}

/** The header of a volume as its records show it; undefined without any that can be read. */
export function headerFromRecords(
  { id, firstRecord, lastExpiresMs }: VolumeCheck,
  storeId: string,
  groups: ReadonlyMap<number, GroupInfo>,
): VolumeHeader | undefined {
  if (firstRecord === undefined) return undefined;
  const { group: groupId, bucketId, fencingEpoch, createdMs } = firstRecord;
  const unknown: GroupInfo = { id: groupId, bucketId, ruleKey: "", endsMs: lastExpiresMs };
  const group = groupId === 0 ? NO_GROUP : (groups.get(groupId) ?? unknown);
  return { storeId, shard: 0, volumeId: id, group, fencingEpoch, createdMs, sources: [] };
}

async function headsIn(
  { start, end }: { readonly start: number; readonly end: number },
  readAt: (offset: number, bytes: number) => Promise<Uint8Array> | Uint8Array,
  seed: number,
): Promise<RecordHead[]> {
  const bytes = asBuffer(await readAt(start, Math.min(SEARCH_BYTES, end - start)));
  const heads: RecordHead[] = [];
  for (let at = 0; at < bytes.length && heads.length < NAMED_RECORDS; ) {
    const head = peekHeadBytes(bytes, at) === undefined ? undefined : decodeHead(bytes, at, seed);
    if (head === undefined) {
      at += 8;
      continue;
    }
    heads.push({ ...head, key: Buffer.from(head.key), metadata: Buffer.from(head.metadata) });
    at += recordBytesOf(headBytesOf(head), head.storedBytes);
  }
  return heads;
}
