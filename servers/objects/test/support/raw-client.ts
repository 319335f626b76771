import { createHash } from "node:crypto";
import { request as httpRequest, type IncomingHttpHeaders, type IncomingMessage } from "node:http";
import { RequestSigner } from "../../src/protocol/sigv4/index.ts";
import { signingHashes } from "../../src/service/signing-hashes.ts";
import { TEST_KEY } from "./start-server.ts";

/** An answer, whole. */
export interface RawAnswer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
  readonly text: string;
  /** Of an error's XML. */
  readonly code: string | undefined;
}

export interface RawRequest {
  readonly method?: string;
  /** Escaped as it is sent, with the query. */
  readonly path: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: Uint8Array | string;
  /** Value of x-amz-content-sha256; the hash of the body if absent. */
  readonly payloadHash?: string;
  /** `false` sends no signature. */
  readonly as?: { readonly accessKey: string; readonly secretKey: string } | false;
  readonly nowMs?: number;
}

/** A small client of our own: sends exactly what it is told, signed by header. */
export class RawClient {
  readonly #host: string;

  constructor(host: string) {
    this.#host = host;
  }

  async send(request: RawRequest): Promise<RawAnswer> {
    return await sendRaw(this.#host, request, this.sign(request));
  }

  /** The headers of a request, signed. */
  sign({ method = "GET", path, headers = {}, body = "", payloadHash, as = TEST_KEY, nowMs = Date.now() }: RawRequest) {
    const raw = ["host", this.#host, ...Object.entries(headers).flat()];
    if (as === false) return raw;
    const identity = { accessKeyId: as.accessKey, secretAccessKey: as.secretKey, region: "us-east-1" };
    const [route = "", query = ""] = path.split("?", 2);
    const hash = payloadHash ?? createHash("sha256").update(body).digest("hex");
    const signer = new RequestSigner(signingHashes, identity);
    return [...signer.signHeaders({ method, path: route, query, rawHeaders: raw }, hash, nowMs).rawHeaders];
  }

  /** A presigned path. */
  presign(request: RawRequest, seconds = 60): string {
    const { method = "GET", path, headers = {}, as = TEST_KEY, nowMs = Date.now() } = request;
    if (as === false) throw new RangeError("A presigned URL needs a key");
    const identity = { accessKeyId: as.accessKey, secretAccessKey: as.secretKey, region: "us-east-1" };
    const [route = "", query = ""] = path.split("?", 2);
    const rawHeaders = ["host", this.#host, ...Object.entries(headers).flat()];
    const signer = new RequestSigner(signingHashes, identity);
    return `${route}?${signer.presign({ method, path: route, query, rawHeaders }, seconds, nowMs)}`;
  }
}

/** Sends headers as they are. */
export function sendRaw(host: string, request: RawRequest, rawHeaders: readonly string[]): Promise<RawAnswer> {
  const { hostname, port } = new URL(`http://${host}`);
  const { method = "GET", path, body = "" } = request;
  const hasLength = rawHeaders.some((name, i) => i % 2 === 0 && /^(content-length|transfer-encoding)$/i.test(name));
  const bytes = Buffer.from(body);
  const headers = [...rawHeaders];
  if (!hasLength && (bytes.length > 0 || method === "PUT" || method === "POST")) {
    headers.push("content-length", String(bytes.length));
  }
  return new Promise((resolve, reject) => {
    const outgoing = httpRequest({ hostname, port, method, path, headers, agent: false }, (incoming) => {
      const chunks: Buffer[] = [];
      incoming.on("data", (chunk: Buffer) => chunks.push(chunk));
      incoming.on("error", reject);
      incoming.on("end", () => {
        const whole = Buffer.concat(chunks);
        resolve(answerOf(incoming, whole));
      });
    });
    outgoing.on("error", reject);
    outgoing.end(bytes);
  });
}

function answerOf({ statusCode = 0, headers }: IncomingMessage, body: Buffer): RawAnswer {
  const code = statusCode < 300 ? undefined : /<Code>([^<]*)<\/Code>/.exec(body.toString("utf8"))?.[1];
  return {
    status: statusCode,
    headers,
    body,
    code,
    get text() {
      return body.toString("utf8");
    },
  };
}
