import { CHUNK_BYTES } from "../protocol/volume/index.ts";
import { StoreError } from "../store/object-store.ts";
import { chunkChecksum } from "./checksums.ts";
import type { Entry } from "./entry.ts";
import { asBuffer } from "./object-json.ts";
import type { ShardState } from "./shard-state.ts";
import type { Volume } from "./volume-set.ts";

/**
 * The bytes of one record's body, checked as they are read. Its volume's file, or its blob, stays until it is closed.
 *
 * In a volume the checksums stand behind the body; of a blob they are what the record holds instead of a body.
 */
export class BodySource {
  readonly #state: ShardState;
  readonly #entry: Entry;
  readonly #volume: Volume;
  #checksums: Buffer | undefined;
  #isClosed = false;

  private constructor(state: ShardState, entry: Entry, volume: Volume) {
    this.#state = state;
    this.#entry = entry;
    this.#volume = volume;
  }

  /** @throws an error with code ENOENT if the record has moved since the entry was read */
  static open(state: ShardState, entry: Entry): BodySource {
    const volume = state.volumes.get(entry.volumeId);
    if (volume === undefined) {
      throw Object.assign(new Error(`ENOENT: volume ${entry.volumeId} is gone`), { code: "ENOENT" });
    }
    if (volume.isAway) throw new StoreError("TIER_MISSING", awayText(state, volume));
    if (entry.blobId !== 0) state.blobs.hold(entry.blobId);
    state.volumes.hold(volume);
    return new BodySource(state, entry, volume);
  }

  get bodyBytes(): number {
    return this.#entry.bodyBytes;
  }

  /** The whole of a body of one chunk at most, in one read with its checksum. */
  async readAll(): Promise<Uint8Array> {
    const { offset, headBytes, storedBytes } = this.#entry;
    if (storedBytes === 0) return EMPTY;
    const found = this.#timed(this.#state.volumes.file(this.#volume.id).read(offset + headBytes, storedBytes + 4));
    const bytes = found instanceof Promise ? await found : found;
    this.#check(bytes, storedBytes + 4);
    const body = bytes.subarray(0, storedBytes);
    if (chunkChecksum(body) !== asBuffer(bytes).readUInt32LE(storedBytes)) throw this.#corrupt(0);
    return body;
  }

  /** Bytes `[start, end)` in pieces of a chunk; of as many as `buffer` holds if one is given, in it, again and again. */
  async *read(start: number, end: number, buffer: Uint8Array | undefined): AsyncGenerator<Uint8Array> {
    const checksums = this.#checksums ?? (await this.#readChecksums());
    const { blobId, offset, headBytes, bodyBytes } = this.#entry;
    const base = blobId === 0 ? offset + headBytes : 0;
    const pieceBytes = buffer === undefined ? CHUNK_BYTES : Math.max(CHUNK_BYTES, inChunks(buffer.length));
    // Chunks are checked whole, those of the ends too.
    const wholeEnd = Math.min(bodyBytes, inChunks(end + CHUNK_BYTES - 1));
    for (let at = inChunks(start); at < end; at += pieceBytes) {
      const length = Math.min(pieceBytes, wholeEnd - at);
      const found = this.#timed(this.#file().read(base + at, length, buffer));
      const bytes = found instanceof Promise ? await found : found;
      this.#check(bytes, length);
      this.#checkChunks(bytes, at, checksums);
      yield bytes.subarray(Math.max(0, start - at), Math.min(length, end - at));
    }
  }

  #checkChunks(bytes: Uint8Array, start: number, checksums: Buffer): void {
    for (let at = 0; at < bytes.length; at += CHUNK_BYTES) {
      const chunk = bytes.length <= CHUNK_BYTES ? bytes : bytes.subarray(at, at + CHUNK_BYTES);
      const index = (start + at) / CHUNK_BYTES;
      if (chunkChecksum(chunk) !== checksums.readUInt32LE(4 * index)) throw this.#corrupt(start + at);
    }
  }

  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    if (this.#entry.blobId !== 0) this.#state.blobs.release(this.#entry.blobId);
    this.#state.volumes.release(this.#volume);
  }

  /** Maintenance on a slow disk gives way to those who read from it. */
  #timed(reading: Promise<Uint8Array> | Uint8Array): Promise<Uint8Array> | Uint8Array {
    const { place } = this.#volume;
    return place === "" || !(reading instanceof Promise) ? reading : this.#noteTime(reading, place);
  }

  async #noteTime(reading: Promise<Uint8Array>, place: string): Promise<Uint8Array> {
    const startedMs = performance.now();
    const bytes = await reading;
    this.#state.readLatencyOf(place).add(performance.now() - startedMs);
    return bytes;
  }

  #file() {
    if (this.#isClosed) throw new StoreError("CLOSED", "Cannot read from an object that was closed");
    const { blobId } = this.#entry;
    return blobId === 0 ? this.#state.volumes.file(this.#volume.id) : this.#state.blobs.file(blobId);
  }

  /** Of a blob they are stored bytes with checksums of their own. */
  async #readChecksums(): Promise<Buffer> {
    const { blobId, offset, headBytes, storedBytes } = this.#entry;
    const own = 4 * Math.ceil(storedBytes / CHUNK_BYTES);
    const at = offset + headBytes + (blobId === 0 ? storedBytes : 0);
    const length = blobId === 0 ? own : storedBytes + own;
    const bytes = asBuffer(await this.#state.volumes.file(this.#volume.id).read(at, length));
    this.#check(bytes, length);
    for (let i = 0; blobId !== 0 && i * CHUNK_BYTES < storedBytes; i++) {
      const chunk = bytes.subarray(i * CHUNK_BYTES, Math.min(storedBytes, (i + 1) * CHUNK_BYTES));
      if (chunkChecksum(chunk) !== bytes.readUInt32LE(storedBytes + 4 * i)) throw this.#corrupt(0);
    }
    this.#checksums = bytes;
    return bytes;
  }

  #check(bytes: Uint8Array, wantedBytes: number): void {
    if (bytes.length !== wantedBytes) throw this.#corrupt(bytes.length);
  }

  #corrupt(at: number): StoreError {
    const { blobId, volumeId, offset } = this.#entry;
    const where = blobId === 0 ? `volume ${volumeId}, record at byte ${offset}` : `blob ${blobId}`;
    return new StoreError(
      "CORRUPT",
      `Cannot read ${where}: its body from byte ${at} fails its checksum. Restore the object from a replica`,
    );
  }
}

function awayText({ disk }: ShardState, { id }: Volume): string {
  return `Cannot read volume ${id}: it lies on a tier that is not there (${disk.missingNames}). Give its disk back and start again`;
}

const EMPTY = new Uint8Array();

/** The part of a length that is whole chunks. */
function inChunks(bytes: number): number {
  return bytes - (bytes % CHUNK_BYTES);
}
