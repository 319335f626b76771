import { createRandom, type Random } from "@kagami/clock";
import { encodeS3Path, encodeS3Query, S3Signer, UNSIGNED_PAYLOAD } from "@kagami/testkit";
import { type KeyChooser, parseKeyChooser } from "./keys.ts";
import type { LoadPlan } from "./load-plan.ts";
import type { MixEntry } from "./mix.ts";
import { parseSizes, type SizeDistribution } from "./size.ts";

/** A request, ready to be sent. */
export interface LoadRequest {
  readonly method: "PUT" | "GET" | "HEAD" | "DELETE";
  readonly path: string;
  readonly headers: Record<string, string>;
  readonly body: Uint8Array | null;
}

const PRESIGNED_LIMIT = 200_000;
/** Bodies are cut out of this much more than the largest, each at another place, so that no two neighbours are equal. */
const SLACK_BYTES = 65_536;

/** What the requests of one entry need, made once. */
interface Source {
  readonly prefix: string;
  readonly sizes: SizeDistribution | undefined;
  readonly choose: KeyChooser;
}

/** Makes the requests of a plan; the same seed makes the same ones. */
export class RequestMaker {
  readonly #plan: LoadPlan;
  readonly #host: string;
  readonly #signer: S3Signer;
  readonly #random: Random;
  readonly #bytes: Uint8Array;
  readonly #sources = new Map<MixEntry, Source>();
  readonly #presigned = new Map<string, string>();
  #written = 0;
  #deleted = 0;

  constructor(plan: LoadPlan) {
    this.#plan = plan;
    this.#host = new URL(plan.endpoint).host;
    this.#signer = new S3Signer(plan.credentials);
    this.#random = createRandom(plan.seed);
    let largest = 0;
    for (const entry of plan.entries) {
      const source = this.#sourceOf(entry);
      this.#sources.set(entry, source);
      if (entry.operation !== "delete" && source.sizes) largest = Math.max(largest, source.sizes.largestBytes);
    }
    this.#bytes = createRandom(plan.seed + 1).bytes(largest + SLACK_BYTES);
  }

  /** @returns `undefined` if there is nothing left that could be deleted. */
  next(entry: MixEntry, nowMs: number): LoadRequest | undefined {
    const { prefix, sizes, choose } = this.#sources.get(entry) as Source;
    const random = this.#random;
    const key = () => keyOf(prefix, choose(random));
    switch (entry.operation) {
      case "put": {
        const body = this.#body(sizes?.next(random) ?? 0);
        if (!this.#deletes) return this.#request("PUT", key(), nowMs, body);
        return this.#request("PUT", keyOf("kept-until-deleted", this.#written++), nowMs, body);
      }
      case "get":
        return this.#request("GET", key(), nowMs);
      case "head":
        return this.#request("HEAD", key(), nowMs);
      case "copy": {
        const source = encodeS3Path(this.#plan.bucket, key());
        return this.#request("PUT", keyOf(`${prefix}-copies`, choose(random)), nowMs, null, {
          "x-amz-copy-source": source,
        });
      }
      case "delete":
        if (this.#deleted === this.#written) return undefined;
        return this.#request("DELETE", keyOf("kept-until-deleted", this.#deleted++), nowMs);
      case "list":
        return this.#list(Number(entry.size), nowMs);
      default:
        return entry.operation satisfies never;
    }
  }

  /** What `prepare` stores: an object of every size that is read, for every key. */
  preparation(): { readonly count: number; request(index: number, nowMs: number): LoadRequest } {
    const read = this.#plan.entries.filter(({ operation }) => ["get", "head", "copy", "list"].includes(operation));
    const sources = new Map<string, Source>();
    for (const entry of read) {
      const source = this.#sources.get(entry) as Source;
      sources.set(source.prefix, source);
    }
    const all = [...sources.values()];
    const from = this.#plan.prepareFrom;
    return {
      count: all.length * (this.#plan.keyCount - from),
      request: (index, nowMs) => {
        const { prefix, sizes } = all[index % all.length] as Source;
        const body = this.#body(sizes?.next(this.#random) ?? 0);
        return this.#request("PUT", keyOf(prefix, from + Math.floor(index / all.length)), nowMs, body);
      },
    };
  }

  get #deletes(): boolean {
    return this.#plan.entries.some(({ operation }) => operation === "delete");
  }

  #sourceOf({ operation, size }: MixEntry): Source {
    const sized = operation !== "list" && operation !== "delete";
    // A listing pages through the objects of the first size that is read, or its own small ones.
    const other = this.#plan.entries.find((entry) => entry.operation !== "list" && entry.operation !== "delete");
    const text = sized ? size : (other?.size ?? "1KB");
    const sizes = parseSizes(text);
    const choose = parseKeyChooser(this.#plan.keys, this.#plan.keyCount);
    if (typeof sizes === "string") throw new Error(sizes);
    if (typeof choose === "string") throw new Error(choose);
    return { prefix: prefixOf(text), sizes, choose };
  }

  #body(sizeBytes: number): Uint8Array {
    const from = this.#random.int(0, SLACK_BYTES - 1);
    return this.#bytes.subarray(from, from + sizeBytes);
  }

  #list(maxKeys: number, nowMs: number): LoadRequest {
    const entry = this.#plan.entries.find(({ operation }) => operation === "list") as MixEntry;
    const { prefix, choose } = this.#sources.get(entry) as Source;
    const query = {
      "list-type": "2",
      "max-keys": String(maxKeys),
      prefix: `${prefix}/`,
      "start-after": keyOf(prefix, choose(this.#random)),
    };
    const signed = { method: "GET", path: encodeS3Path(this.#plan.bucket), query, headers: { host: this.#host } };
    const headers = this.#signer.sign(signed, UNSIGNED_PAYLOAD, nowMs);
    return { method: "GET", path: `${signed.path}?${encodeS3Query(query)}`, headers, body: null };
  }

  #request(
    method: LoadRequest["method"],
    key: string,
    nowMs: number,
    body: Uint8Array | null = null,
    extra?: Readonly<Record<string, string>>,
  ): LoadRequest {
    const path = encodeS3Path(this.#plan.bucket, key);
    const host = { host: this.#host };
    if (this.#plan.signing === "header" || extra !== undefined) {
      const headers = this.#signer.sign({ method, path, headers: { ...host, ...extra } }, UNSIGNED_PAYLOAD, nowMs);
      return { method, path, headers, body };
    }
    const name = `${method} ${key}`;
    let url = this.#presigned.get(name);
    if (url === undefined) {
      url = this.#signer.presign({ method, path, headers: host }, nowMs);
      if (this.#presigned.size < PRESIGNED_LIMIT) this.#presigned.set(name, url);
    }
    return { method, path: url, headers: { ...host }, body };
  }
}

/** What keys of objects of a size begin with. */
export function prefixOf(size: string): string {
  return `objects-${size.replace(/[^\w.-]/g, "_")}`;
}

/** Ten digits, so that keys sort by their number. */
export function keyOf(prefix: string, index: number): string {
  return `${prefix}/${String(index).padStart(10, "0")}`;
}
