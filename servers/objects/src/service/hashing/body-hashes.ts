import { createHash, type Hash, hash } from "node:crypto";
import { crc32, crc32c } from "@node-rs/crc32";
import { createCRC64, type IHasher } from "hash-wasm";
import type { BodyDigest, ChecksumAlgorithm } from "../../store/object-store.ts";

/** Which hashes of a body are wanted; MD5, the ETag, always is. */
export interface HashRequest {
  /** Of the signed payload. */
  readonly sha256: boolean;
  readonly checksum: ChecksumAlgorithm | undefined;
}

/** What a body came to. */
export interface BodyHashes {
  readonly md5Hex: string;
  readonly sha256Hex: string | undefined;
  /** Base64, as in headers. */
  readonly checksum: string | undefined;
}

/** What the store keeps of them: MD5 is the ETag. @param algorithm Of the checksum that was computed. */
export function digestOf({ md5Hex, checksum }: BodyHashes, algorithm: ChecksumAlgorithm | undefined): BodyDigest {
  if (algorithm === undefined) return { etag: md5Hex, checksum: undefined };
  if (checksum === undefined) throw new TypeError(`No ${algorithm} was computed`);
  return { etag: md5Hex, checksum: { algorithm, value: checksum, type: "FULL_OBJECT" } };
}

/** CRC-64/NVME, reflected. */
const CRC64_NVME = "9a6c9329ac4bc9b5";
const IDLE_CRC64_LIMIT = 64;

/** WASM instances are costly to make and hold one state each: they are used again. */
const idleCrc64: IHasher[] = [];

/** The hashes of a whole body at once: the cheapest way for small ones. */
export async function hashWhole(bytes: Uint8Array, request: HashRequest): Promise<BodyHashes> {
  if (request.checksum === "CRC64NVME") {
    const stream = await openHashes(request);
    stream.update(bytes);
    return stream.digest();
  }
  return hashWholeNow(bytes, request.sha256, request.checksum);
}

/** As {@link hashWhole}, without a promise; every algorithm but CRC64NVME. */
export function hashWholeNow(
  bytes: Uint8Array,
  sha256: boolean,
  checksum: Exclude<ChecksumAlgorithm, "CRC64NVME"> | undefined,
): BodyHashes {
  const sha256Hex = sha256 ? hash("sha256", bytes, "hex") : undefined;
  return { md5Hex: hash("md5", bytes, "hex"), sha256Hex, checksum: checksumWhole(bytes, checksum, sha256Hex) };
}

function checksumWhole(
  bytes: Uint8Array,
  algorithm: Exclude<ChecksumAlgorithm, "CRC64NVME"> | undefined,
  sha256Hex: string | undefined,
): string | undefined {
  switch (algorithm) {
    case undefined:
      return undefined;
    case "CRC32":
      return base64OfU32(crc32(bytes));
    case "CRC32C":
      return base64OfU32(crc32c(bytes));
    case "SHA1":
      return hash("sha1", bytes, "base64");
    case "SHA256":
      return sha256Hex === undefined
        ? hash("sha256", bytes, "base64")
        : Buffer.from(sha256Hex, "hex").toString("base64");
    default:
      return algorithm satisfies never;
  }
}

/** Hashes that take a body piece by piece, in this thread. */
export interface HashStream {
  update(bytes: Uint8Array): void;
  /** Ends it. */
  digest(): BodyHashes;
  /** Gives it up; does nothing after `digest`. */
  drop(): void;
}

export async function openHashes(request: HashRequest): Promise<HashStream> {
  const crc64 = request.checksum === "CRC64NVME" ? await takeCrc64() : undefined;
  return new PlainHashStream(request, crc64);
}

class PlainHashStream implements HashStream {
  readonly #algorithm: ChecksumAlgorithm | undefined;
  readonly #md5 = createHash("md5");
  readonly #sha256: Hash | undefined;
  readonly #sha1: Hash | undefined;
  #crc64: IHasher | undefined;
  #crc = 0;

  constructor({ sha256, checksum }: HashRequest, crc64: IHasher | undefined) {
    this.#algorithm = checksum;
    this.#sha256 = sha256 || checksum === "SHA256" ? createHash("sha256") : undefined;
    this.#sha1 = checksum === "SHA1" ? createHash("sha1") : undefined;
    this.#crc64 = crc64;
  }

  update(bytes: Uint8Array): void {
    this.#md5.update(bytes);
    this.#sha256?.update(bytes);
    this.#sha1?.update(bytes);
    this.#crc64?.update(bytes);
    if (this.#algorithm === "CRC32") this.#crc = crc32(bytes, this.#crc);
    else if (this.#algorithm === "CRC32C") this.#crc = crc32c(bytes, this.#crc);
  }

  digest(): BodyHashes {
    const sha256 = this.#sha256?.digest();
    return { md5Hex: this.#md5.digest("hex"), sha256Hex: sha256?.toString("hex"), checksum: this.#checksum(sha256) };
  }

  drop(): void {
    if (this.#crc64 && idleCrc64.length < IDLE_CRC64_LIMIT) idleCrc64.push(this.#crc64);
    this.#crc64 = undefined;
  }

  #checksum(sha256: Buffer | undefined): string | undefined {
    switch (this.#algorithm) {
      case undefined:
        return undefined;
      case "CRC32":
      case "CRC32C":
        return base64OfU32(this.#crc);
      case "CRC64NVME": {
        const hex = this.#crc64?.digest("hex") ?? "";
        this.drop();
        return Buffer.from(hex, "hex").toString("base64");
      }
      case "SHA1":
        return this.#sha1?.digest("base64");
      case "SHA256":
        return sha256?.toString("base64");
      default:
        return this.#algorithm satisfies never;
    }
  }
}

async function takeCrc64(): Promise<IHasher> {
  const hasher = idleCrc64.pop() ?? (await createCRC64(CRC64_NVME));
  return hasher.init();
}

function base64OfU32(value: number): string {
  const bytes = Buffer.allocUnsafe(4);
  bytes.writeUInt32BE(value >>> 0);
  return bytes.toString("base64");
}
