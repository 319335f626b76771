import type { Checksum, ChecksumAlgorithm, ObjectMetadata } from "../store/object-store.ts";

/** What a record's and an entry's JSON says of an object or a part; names are short since every object carries it. */
export interface ObjectJson {
  /** The etag. */
  readonly e: string;
  /** Algorithm, value, and `C` where it is of the parts' checksums. */
  readonly c?: readonly [ChecksumAlgorithm, string, "F" | "C"];
  readonly t?: string;
  readonly n?: string;
  readonly d?: string;
  readonly l?: string;
  readonly a?: string;
  readonly x?: string;
  readonly w?: string;
  readonly s?: string;
  readonly u?: Readonly<Record<string, string>>;
  readonly g?: Readonly<Record<string, string>>;
  /** Only in the record of a completed upload: number, size and checksum of each part. */
  readonly p?: readonly PartJson[];
}

/** Number, size, and the checksum if there is one. */
export type PartJson = readonly [number, number, (readonly [ChecksumAlgorithm, string, "F" | "C"])?];

const NONE: Readonly<Record<string, string>> = Object.freeze({});

/** The metadata and digest as JSON's object. */
export function toObjectJson(metadata: ObjectMetadata, etag: string, checksum: Checksum | undefined): ObjectJson {
  const json: { -readonly [Name in keyof ObjectJson]: ObjectJson[Name] } = { e: etag };
  if (checksum !== undefined) json.c = toChecksumJson(checksum);
  if (metadata.contentType !== undefined) json.t = metadata.contentType;
  if (metadata.contentEncoding !== undefined) json.n = metadata.contentEncoding;
  if (metadata.contentDisposition !== undefined) json.d = metadata.contentDisposition;
  if (metadata.contentLanguage !== undefined) json.l = metadata.contentLanguage;
  if (metadata.cacheControl !== undefined) json.a = metadata.cacheControl;
  if (metadata.expires !== undefined) json.x = metadata.expires;
  if (metadata.websiteRedirectLocation !== undefined) json.w = metadata.websiteRedirectLocation;
  if (metadata.storageClass !== undefined) json.s = metadata.storageClass;
  if (!isEmpty(metadata.user)) json.u = metadata.user;
  if (!isEmpty(metadata.tags)) json.g = metadata.tags;
  return json;
}

/** The metadata that {@link toObjectJson} wrote. */
export function fromObjectJson(json: ObjectJson): ObjectMetadata {
  return {
    ...(json.t === undefined ? {} : { contentType: json.t }),
    ...(json.n === undefined ? {} : { contentEncoding: json.n }),
    ...(json.d === undefined ? {} : { contentDisposition: json.d }),
    ...(json.l === undefined ? {} : { contentLanguage: json.l }),
    ...(json.a === undefined ? {} : { cacheControl: json.a }),
    ...(json.x === undefined ? {} : { expires: json.x }),
    ...(json.w === undefined ? {} : { websiteRedirectLocation: json.w }),
    ...(json.s === undefined ? {} : { storageClass: json.s }),
    user: json.u ?? NONE,
    tags: json.g ?? NONE,
  };
}

/** A checksum as JSON's array. */
export function toChecksumJson(checksum: Checksum): readonly [ChecksumAlgorithm, string, "F" | "C"] {
  return [checksum.algorithm, checksum.value, checksum.type === "COMPOSITE" ? "C" : "F"];
}

/** The checksum that {@link toChecksumJson} wrote. */
export function fromChecksumJson(json: ObjectJson["c"]): Checksum | undefined {
  if (json === undefined) return undefined;
  return { algorithm: json[0], value: json[1], type: json[2] === "C" ? "COMPOSITE" : "FULL_OBJECT" };
}

/** JSON as bytes. */
export function jsonBytes(value: unknown): Buffer {
  return Buffer.from(JSON.stringify(value));
}

/** Bytes that {@link jsonBytes} made. */
export function fromJsonBytes<T>(bytes: Uint8Array): T {
  return JSON.parse(asBuffer(bytes).toString());
}

/** The same memory as a Buffer. */
export function asBuffer(bytes: Uint8Array): Buffer {
  return bytes instanceof Buffer ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
}

function isEmpty(record: Readonly<Record<string, string>>): boolean {
  for (const _ in record) return false;
  return true;
}
