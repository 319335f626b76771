import { MARKER, RECORD_KINDS } from "../../protocol/volume/index.ts";
import { decodeEntry, type Entry, sequenceOfValue } from "../entry.ts";
import type { OwnedRecord } from "../liveness.ts";
import { fromJsonBytes, type ObjectJson } from "../object-json.ts";
import type { ShardState } from "../shard-state.ts";
import { currentKeys } from "../versions.ts";

/** What decides about an object's tier. */
export interface TierSubject {
  readonly key: string;
  readonly sizeBytes: number;
  readonly tags: Readonly<Record<string, string>>;
  readonly createdMs: number;
}

/** What a bucket's rules say of an object. */
export interface TierDue {
  /** The tier that it is due for now; "" stays. */
  readonly tier: string;
  readonly sinceMs: number;
  /** When it is due for the next one; undefined for never. */
  readonly nextMs: number | undefined;
}

/** The rules of buckets; the storage reads no documents. */
export interface TierRules {
  /** Another number after every change of any rule. */
  readonly version: number;
  /** The age at which the first object could be due; undefined if no bucket has such a rule. */
  readonly youngestMs: number | undefined;
  dueOf(bucket: string, subject: TierSubject, nowMs: number): TierDue | undefined;
}

/** A record's tier. */
export interface RecordTier {
  readonly tier: string;
  /** Undefined if it is not due for another one than its volume's. */
  readonly dueSinceMs: number | undefined;
  readonly nextMs: number | undefined;
}

const NO_TAGS: Readonly<Record<string, string>> = {};

/**
 * The tiers that records of a volume are due for: what the client asked for, or what the rules say if that is slower; never
 * a faster one than the volume's. A part goes with its object. Older versions stay; nobody's records (undefined) go with
 * the others.
 */
export async function tiersOfRecords(
  state: ShardState,
  rules: TierRules,
  from: string,
  records: readonly OwnedRecord[],
  nowMs: number,
): Promise<readonly (RecordTier | undefined)[]> {
  const names = new Map(state.catalog.buckets().map(({ id, name }) => [id, name]));
  const out: (RecordTier | undefined)[] = [];
  for (const { record, owner, isCurrent } of records) {
    const { head } = record;
    const isPart = head.kind === RECORD_KINDS.part;
    if (!isPart && head.kind !== RECORD_KINDS.put && head.kind !== RECORD_KINDS.completed) {
      out.push(undefined);
      continue;
    }
    const entry = isPart ? await objectOfPart(state, record.head) : isCurrent ? decodeEntry(owner) : undefined;
    const bucket = names.get(head.bucketId);
    out.push(
      entry === undefined || bucket === undefined
        ? { tier: from, dueSinceMs: undefined, nextMs: undefined }
        : tierOfEntry(state, rules, { bucket, from, nowMs, key: Buffer.from(head.key).toString() }, entry),
    );
  }
  return out;
}

function tierOfEntry(
  { disk }: ShardState,
  rules: TierRules,
  { bucket, from, nowMs, key }: { bucket: string; from: string; nowMs: number; key: string },
  entry: Entry,
): RecordTier {
  const json: ObjectJson = fromJsonBytes(entry.json);
  const asked = disk.tierOfClass(json.s) ?? "";
  const subject = { key, sizeBytes: entry.bodyBytes, tags: json.g ?? NO_TAGS, createdMs: entry.createdMs };
  const due = rules.dueOf(bucket, subject, nowMs);
  let tier = from;
  let dueSinceMs: number | undefined;
  if (disk.rankOf(asked) > disk.rankOf(tier)) [tier, dueSinceMs] = [asked, entry.createdMs];
  if (due !== undefined && disk.rankOf(due.tier) > disk.rankOf(tier)) [tier, dueSinceMs] = [due.tier, due.sinceMs];
  return { tier, dueSinceMs, nextMs: due?.nextMs };
}

/** The current version that the part is of; undefined while it is uploaded, and of older versions. */
async function objectOfPart(
  { index, catalog }: ShardState,
  head: { readonly bucketId: number; readonly key: Uint8Array; readonly target: number },
): Promise<Entry | undefined> {
  let newest: Uint8Array | undefined;
  for (const value of await index.get(currentKeys(catalog, head.bucketId, head.key))) {
    if (value === undefined) continue;
    if (newest === undefined || sequenceOfValue(value) > sequenceOfValue(newest)) newest = value;
  }
  const entry = newest === undefined ? undefined : decodeEntry(newest);
  return entry?.upload === head.target && (entry.flags & MARKER) === 0 ? entry : undefined;
}
