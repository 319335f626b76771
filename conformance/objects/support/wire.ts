import { Agent, request as httpRequest, type IncomingHttpHeaders } from "node:http";
import { encodeS3, encodeS3Path, encodeS3Query, S3Signer, sha256Hex } from "@kagami/testkit";
import type { Endpoint } from "./endpoint.ts";

/** A request as it goes over the wire; everything but the method may be left to be worked out. */
export interface Ask {
  /** GET if absent. */
  readonly method?: string;
  /** The test's own bucket if absent; `""` for the service itself. */
  readonly bucket?: string;
  readonly key?: string;
  /** Instead of bucket and key, already encoded. */
  readonly path?: string;
  readonly query?: Readonly<Record<string, string>>;
  readonly headers?: Readonly<Record<string, string>>;
  /** Sent, but not signed. */
  readonly unsignedHeaders?: Readonly<Record<string, string | readonly string[]>>;
  readonly body?: string | Uint8Array;
  /** `x-amz-content-sha256`; the body's hash if absent. */
  readonly payloadHash?: string;
  /** No credentials at all. */
  readonly isAnonymous?: boolean;
  /** What the clock of the client says. */
  readonly nowMs?: number;
  readonly signer?: S3Signer;
  /** Changes the signed headers before they are sent. */
  readonly tamper?: (headers: Record<string, string>) => void;
}

/** What came back. */
export class Answer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly bytes: Buffer;

  constructor(status: number, headers: IncomingHttpHeaders, bytes: Buffer) {
    this.status = status;
    this.headers = headers;
    this.bytes = bytes;
  }

  get text(): string {
    return this.bytes.toString("utf8");
  }

  /** The code of an error document; `undefined` if there is none. */
  get code(): string | undefined {
    return this.value("Code");
  }

  /** The text of the first element of that name. */
  value(tag: string): string | undefined {
    return this.values(tag)[0];
  }

  /** The texts of all elements of that name, in order, with the five entities of XML resolved. */
  values(tag: string): string[] {
    const found = this.text.matchAll(new RegExp(`<${tag}(?: [^>]*)?(?:/>|>([\\s\\S]*?)</${tag}>)`, "g"));
    return [...found].map((match) => unescapeXml(match[1] ?? ""));
  }

  /** Status, and the code of the error if it is one, for comparing both at once. */
  get outcome(): string {
    return this.code === undefined ? String(this.status) : `${this.status} ${this.code}`;
  }
}

/** Speaks to the server without a library in between: what is sent is what the test says. */
export class Wire {
  readonly endpoint: Endpoint;
  readonly bucket: string;
  readonly signer: S3Signer;
  readonly #agent = new Agent({ keepAlive: true, maxSockets: 8 });

  constructor(endpoint: Endpoint, bucket: string) {
    this.endpoint = endpoint;
    this.bucket = bucket;
    this.signer = new S3Signer(endpoint.credentials);
  }

  send(ask: Ask): Promise<Answer> {
    const { method = "GET", query = {}, body = "", unsignedHeaders = {}, tamper } = ask;
    const bytes = typeof body === "string" ? Buffer.from(body) : Buffer.from(body);
    const path = this.pathOf(ask);
    const search = encodeS3Query(query);
    const length =
      bytes.length > 0 || method === "PUT" || method === "POST" ? { "content-length": String(bytes.length) } : {};
    const headers = this.#headersOf(ask, path, bytes);
    tamper?.(headers);
    return this.sendRaw(
      method,
      search === "" ? path : `${path}?${search}`,
      { ...length, ...headers, ...unsignedHeaders },
      bytes,
    );
  }

  /** Path and query of a presigned URL of this server. */
  presign(ask: Ask, expiresS?: number): string {
    const { method = "GET", query = {}, headers = {}, nowMs = Date.now(), signer = this.signer } = ask;
    const signed = { method, path: this.pathOf(ask), query, headers: { host: this.endpoint.host, ...headers } };
    return signer.presign(signed, nowMs, expiresS);
  }

  /** Sends exactly this; `host` is added if it is not given. */
  sendRaw(
    method: string,
    target: string,
    headers: Readonly<Record<string, string | readonly string[]>>,
    body: Uint8Array = new Uint8Array(),
  ): Promise<Answer> {
    const { hostname, port } = new URL(this.endpoint.url);
    return new Promise((resolve, reject) => {
      const sent = httpRequest(
        { agent: this.#agent, host: hostname, port, method, path: target, headers: headers as Record<string, string> },
        (response) => {
          const chunks: Buffer[] = [];
          response.on("data", (chunk: Buffer) => chunks.push(chunk));
          response.once("error", reject);
          response.once("end", () =>
            resolve(new Answer(response.statusCode ?? 0, response.headers, Buffer.concat(chunks))),
          );
        },
      );
      sent.once("error", reject);
      sent.end(body);
    });
  }

  pathOf({ path, bucket = this.bucket, key }: Ask): string {
    if (path !== undefined) return path;
    return bucket === "" ? "/" : encodeS3Path(encodeS3(bucket), key);
  }

  close(): void {
    this.#agent.destroy();
  }

  #headersOf(ask: Ask, path: string, bytes: Uint8Array): Record<string, string> {
    const { method = "GET", query = {}, headers = {}, isAnonymous, nowMs = Date.now(), signer = this.signer } = ask;
    if (isAnonymous) return { ...headers };
    const signed = { method, path, query, headers: { host: this.endpoint.host, ...headers } };
    return signer.sign(signed, ask.payloadHash ?? sha256Hex(bytes), nowMs);
  }
}

function unescapeXml(text: string): string {
  return text
    .replace(/&lt;/g, "<")
    .replace(/&gt;/g, ">")
    .replace(/&quot;/g, '"')
    .replace(/&apos;/g, "'")
    .replace(/&#(x?)([0-9a-f]+);/gi, (_, hex, digits) => String.fromCodePoint(Number.parseInt(digits, hex ? 16 : 10)))
    .replace(/&amp;/g, "&");
}
