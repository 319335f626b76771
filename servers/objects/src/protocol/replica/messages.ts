import type { FencingEpoch } from "../../engine/replica/epochs.ts";
import {
  decodeHead,
  encodeHead,
  type GroupInfo,
  headBytesOf,
  type RecordHead,
  recordBytesOf,
} from "../volume/index.ts";
import { ReplicaStreamError } from "./frames.ts";

/** Who the source is, and where it stands. */
export interface ReplicaHello {
  readonly storeId: string;
  readonly epochs: readonly FencingEpoch[];
  readonly appliedSequence: number;
}

/** Behind the records of a batch. */
export interface BatchEnd {
  readonly nextAfter: number;
  readonly isEnd: boolean;
  readonly horizon: number;
  /** The number of the source's last drop of tombstones; the follower gives it back when it asks again. */
  readonly drops: number;
  /** Where the source stands now. */
  readonly appliedSequence: number;
  /** Records that the source itself cannot read; they were left out. */
  readonly damagedSequences: readonly number[];
  readonly damagedBytes: number;
  /** Rises when users change. */
  readonly usersGeneration: number;
}

/** Nothing new. */
export type Heartbeat = Pick<BatchEnd, "appliedSequence" | "usersGeneration">;

/** Why the source says no more. */
export interface StreamEnd {
  readonly code: string;
  readonly message: string;
}

/** A record on the wire. */
export interface WireRecord {
  readonly head: RecordHead;
  readonly group: GroupInfo;
  /** What stands behind the head. */
  readonly rest: Uint8Array;
}

/** A batch names so many damaged records at most. */
export const MAX_DAMAGED_TOLD = 1_000;
/** So many fit into a frame. */
const MAX_EPOCHS = 500;
const MAX_TEXT = 2_000;
const GROUP_BYTES_LIMIT = 8_192;

/** As JSON: hello, batch end, heartbeat, end. */
export function encodeMessage(message: ReplicaHello | BatchEnd | Heartbeat | StreamEnd): Uint8Array {
  return new TextEncoder().encode(JSON.stringify(message));
}

/** The payload of a record's frame, in pieces: length of the group (2 bytes), the group as JSON, the head, what follows it. */
export function encodeWireRecord({ head, group, rest }: WireRecord, seed: number): Uint8Array[] {
  const text = encodeGroup(group);
  const front = new Uint8Array(2 + text.length + headBytesOf(head));
  new DataView(front.buffer).setUint16(0, text.length, true);
  front.set(text, 2);
  encodeHead(head, front, 2 + text.length, seed);
  return [front, rest];
}

/** Groups are few and never change: each is written once. */
const encodedGroups = new WeakMap<GroupInfo, Uint8Array>();

function encodeGroup(group: GroupInfo): Uint8Array {
  const known = encodedGroups.get(group);
  if (known !== undefined) return known;
  const { id, bucketId, ruleKey, endsMs } = group;
  const text = new TextEncoder().encode(JSON.stringify({ id, bucketId, ruleKey, endsMs }));
  encodedGroups.set(group, text);
  return text;
}

/**
 * Reads it; key, metadata and rest alias the payload.
 *
 * @param seed Of the store: a record of another one fails its checksum.
 * @throws ReplicaStreamError
 */
export function decodeWireRecord(payload: Uint8Array, seed: number): WireRecord {
  const view = new DataView(payload.buffer, payload.byteOffset, payload.byteLength);
  const groupBytes = payload.length < 2 ? 0 : view.getUint16(0, true);
  if (groupBytes === 0 || groupBytes > GROUP_BYTES_LIMIT || payload.length < 2 + groupBytes) {
    throw new ReplicaStreamError("A record does not say which group it belongs to");
  }
  const group = readGroup(parse(payload.subarray(2, 2 + groupBytes)));
  const head = decodeHead(payload, 2 + groupBytes, seed);
  if (head === undefined) throw new ReplicaStreamError("The head of a record fails its checksum");
  const headBytes = headBytesOf(head);
  const rest = payload.subarray(2 + groupBytes + headBytes);
  if (rest.length !== recordBytesOf(headBytes, head.storedBytes) - headBytes || group.id !== head.group) {
    throw new ReplicaStreamError(`Record ${head.sequence} is not as long as it says, or of another group`);
  }
  return { head, group, rest };
}

/** @throws ReplicaStreamError */
export function decodeHello(payload: Uint8Array): ReplicaHello {
  const { storeId, epochs, appliedSequence } = parse(payload);
  if (typeof storeId !== "string" || storeId === "" || storeId.length > 100) throw wrong("hello");
  if (!Array.isArray(epochs) || epochs.length > MAX_EPOCHS) throw wrong("hello");
  return { storeId, epochs: epochs.map(readEpoch), appliedSequence: whole(appliedSequence) };
}

/** @throws ReplicaStreamError */
export function decodeBatchEnd(payload: Uint8Array): BatchEnd {
  const { nextAfter, isEnd, horizon, drops, appliedSequence, damagedSequences, damagedBytes, usersGeneration } =
    parse(payload);
  if (!Array.isArray(damagedSequences) || damagedSequences.length > MAX_DAMAGED_TOLD) throw wrong("batch end");
  return {
    nextAfter: whole(nextAfter),
    isEnd: isEnd === true,
    horizon: whole(horizon),
    drops: whole(drops),
    appliedSequence: whole(appliedSequence),
    damagedSequences: damagedSequences.map(whole),
    damagedBytes: whole(damagedBytes),
    usersGeneration: whole(usersGeneration),
  };
}

/** @throws ReplicaStreamError */
export function decodeHeartbeat(payload: Uint8Array): Heartbeat {
  const { appliedSequence, usersGeneration } = parse(payload);
  return { appliedSequence: whole(appliedSequence), usersGeneration: whole(usersGeneration) };
}

/** @throws ReplicaStreamError */
export function decodeStreamEnd(payload: Uint8Array): StreamEnd {
  const { code, message } = parse(payload);
  if (typeof code !== "string" || typeof message !== "string") throw wrong("end");
  return { code: code.slice(0, MAX_TEXT), message: message.slice(0, MAX_TEXT) };
}

function readGroup(json: Readonly<Record<string, unknown>>): GroupInfo {
  const { id, bucketId, ruleKey, endsMs } = json;
  if (typeof ruleKey !== "string") throw wrong("group");
  return { id: whole(id), bucketId: whole(bucketId), ruleKey, endsMs: whole(endsMs) };
}

function readEpoch(json: unknown): FencingEpoch {
  const { epoch, after, id } = (json ?? {}) as { epoch?: unknown; after?: unknown; id?: unknown };
  if (id !== undefined && (typeof id !== "string" || id.length > 100)) throw wrong("hello");
  return { epoch: whole(epoch), after: whole(after), ...(id === undefined ? {} : { id }) };
}

function whole(value: unknown): number {
  if (typeof value === "number" && Number.isSafeInteger(value) && value >= 0) return value;
  throw wrong("number");
}

function parse(payload: Uint8Array): Readonly<Record<string, unknown>> {
  try {
    const json: unknown = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(payload));
    if (typeof json === "object" && json !== null) return json as Record<string, unknown>;
  } catch {
    // Said below.
  }
  throw wrong("message");
}

function wrong(what: string): ReplicaStreamError {
  return new ReplicaStreamError(`A ${what} of the stream cannot be read`);
}
