import { createHash, createHmac } from "node:crypto";

/** A user of an S3 server. */
export interface S3Credentials {
  readonly accessKey: string;
  readonly secretKey: string;
  /** `us-east-1` if absent. */
  readonly region?: string;
}

/** What is signed. Names of headers are in lower case. */
export interface S3SignRequest {
  readonly method: string;
  /** As it is sent: `encodeS3Path` makes it of a key. */
  readonly path: string;
  /** Decoded; a value of `""` stands for a sub-resource such as `?acl`. */
  readonly query?: Readonly<Record<string, string>>;
  /** `host` is needed. All of them are signed. */
  readonly headers: Readonly<Record<string, string>>;
}

/** The hash that stands for a body which is not signed. */
export const UNSIGNED_PAYLOAD = "UNSIGNED-PAYLOAD";
/** Longest life of a presigned URL that servers accept: seven days. */
const LONGEST_PRESIGN_S = 604_800;

/**
 * Signature Version 4 for S3, of our tests and load generators. Deliberately not the server's own code: it judges that.
 * Keeps the signing key of the day, so that a signature costs two hashes and an HMAC.
 *
 * @see AWS Signature Version 4 for S3, "Authenticating Requests"
 */
export class S3Signer {
  readonly accessKey: string;
  readonly region: string;
  readonly #secretKey: string;
  #keyDate = "";
  #key: Buffer = Buffer.alloc(0);

  constructor({ accessKey, secretKey, region = "us-east-1" }: S3Credentials) {
    this.accessKey = accessKey;
    this.region = region;
    this.#secretKey = secretKey;
  }

  /**
   * The headers to send: those given, and `x-amz-date`, `x-amz-content-sha256`, `authorization`.
   *
   * @param payloadHash Hex SHA-256 of the body, {@link UNSIGNED_PAYLOAD} or one of the `STREAMING-…` words.
   */
  sign(request: S3SignRequest, payloadHash: string, nowMs: number): Record<string, string> {
    const time = timeOf(nowMs);
    const headers: Record<string, string> = {
      ...request.headers,
      "x-amz-date": time,
      "x-amz-content-sha256": payloadHash,
    };
    const names = Object.keys(headers).sort();
    const signature = this.#signatureOf({ ...request, headers }, names, payloadHash, time);
    const credential = `${this.accessKey}/${this.scope(time)}`;
    headers.authorization = `AWS4-HMAC-SHA256 Credential=${credential}, SignedHeaders=${names.join(";")}, Signature=${signature}`;
    return headers;
  }

  /** Path and query of a presigned URL. Headers beside `host` have to be sent as they were given. */
  presign(request: S3SignRequest, nowMs: number, expiresS = LONGEST_PRESIGN_S): string {
    const time = timeOf(nowMs);
    const names = Object.keys(request.headers).sort();
    const query: Record<string, string> = {
      ...request.query,
      "X-Amz-Algorithm": "AWS4-HMAC-SHA256",
      "X-Amz-Credential": `${this.accessKey}/${this.scope(time)}`,
      "X-Amz-Date": time,
      "X-Amz-Expires": String(expiresS),
      "X-Amz-SignedHeaders": names.join(";"),
    };
    const signature = this.#signatureOf({ ...request, query }, names, UNSIGNED_PAYLOAD, time);
    return `${request.path}?${encodeS3Query(query)}&X-Amz-Signature=${signature}`;
  }

  /** Signs a text as S3 does: what POST policies and chunks are signed by. `time` as in `x-amz-date`. */
  signText(text: string, time: string): string {
    return createHmac("sha256", this.#signingKey(time.slice(0, 8)))
      .update(text)
      .digest("hex");
  }

  /** `date/region/s3/aws4_request`. */
  scope(time: string): string {
    return `${time.slice(0, 8)}/${this.region}/s3/aws4_request`;
  }

  #signatureOf(request: S3SignRequest, names: readonly string[], payloadHash: string, time: string): string {
    const { method, path, query = {}, headers } = request;
    const lines = names.map((name) => `${name}:${(headers[name] ?? "").trim().replace(/ +/g, " ")}\n`).join("");
    const canonical = `${method}\n${path}\n${encodeS3Query(query)}\n${lines}\n${names.join(";")}\n${payloadHash}`;
    return this.signText(`AWS4-HMAC-SHA256\n${time}\n${this.scope(time)}\n${sha256Hex(canonical)}`, time);
  }

  #signingKey(date: string): Buffer {
    if (date !== this.#keyDate) {
      const hmac = (key: string | Buffer, text: string) => createHmac("sha256", key).update(text).digest();
      this.#key = hmac(hmac(hmac(hmac(`AWS4${this.#secretKey}`, date), this.region), "s3"), "aws4_request");
      this.#keyDate = date;
    }
    return this.#key;
  }
}

/** As in `x-amz-date`: `20260131T235959Z`. */
export function timeOf(nowMs: number): string {
  return new Date(nowMs).toISOString().replace(/[-:]|\.\d{3}/g, "");
}

/** Hex SHA-256, as in `x-amz-content-sha256`. */
export function sha256Hex(bytes: string | Uint8Array): string {
  return createHash("sha256").update(bytes).digest("hex");
}

/** Percent-encodes all but the unreserved characters, as signatures want it; a slash too. */
export function encodeS3(text: string): string {
  return encodeURIComponent(text).replace(/[!'()*]/g, (found) => `%${found.charCodeAt(0).toString(16).toUpperCase()}`);
}

/** The path of a bucket, or of a key in it. */
export function encodeS3Path(bucket: string, key?: string): string {
  return key === undefined ? `/${bucket}` : `/${bucket}/${key.split("/").map(encodeS3).join("/")}`;
}

/** The query in the canonical order. */
export function encodeS3Query(query: Readonly<Record<string, string>>): string {
  const pairs = Object.entries(query).map(([name, value]) => [encodeS3(name), encodeS3(value)] as const);
  pairs.sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0));
  return pairs.map(([name, value]) => `${name}=${value}`).join("&");
}
