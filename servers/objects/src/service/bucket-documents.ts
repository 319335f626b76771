import type { CorsRule } from "../engine/cors/cors.ts";
import type { LifecycleRule } from "../engine/lifecycle/lifecycle.ts";
import type { RateLimits } from "../engine/limits/rate-limits.ts";
import type { Policy } from "../engine/policy/policy.ts";
import { readCors } from "../protocol/documents/cors-document.ts";
import { readLifecycle } from "../protocol/documents/lifecycle-document.ts";
import { readPolicy } from "../protocol/documents/policy-document.ts";
import { parseXml } from "../protocol/xml/index.ts";
import type { Bucket } from "../store/object-store.ts";
import { rateLimitsSchema } from "./stored-users.ts";

/** Names of documents in a bucket. They are stored: never renamed. */
export const DOCUMENTS = {
  cors: "cors",
  lifecycle: "lifecycle",
  limits: "limits",
  policy: "policy",
  tagging: "tagging",
} as const;

interface View {
  policy?: Policy | undefined;
  cors?: readonly CorsRule[] | undefined;
  lifecycle?: readonly LifecycleRule[] | undefined;
  limits?: RateLimits | undefined;
}

/**
 * Reads a bucket's documents when they are first asked for. The store replaces a bucket that changes and never changes
 * one in place, so what was read is kept as long as the bucket is.
 *
 * A document that cannot be read was checked when it was put, so this is damage: a policy that is lost so must not open
 * the bucket, and the error is thrown to whoever asks.
 */
export class BucketDocuments {
  readonly #views = new WeakMap<Bucket, View>();

  policy(bucket: Bucket): Policy | undefined {
    const text = bucket.documents[DOCUMENTS.policy];
    if (text === undefined) return undefined;
    const view = this.#view(bucket);
    view.policy ??= readPolicy(text, bucket.name);
    return view.policy;
  }

  cors(bucket: Bucket): readonly CorsRule[] | undefined {
    const text = bucket.documents[DOCUMENTS.cors];
    if (text === undefined) return undefined;
    const view = this.#view(bucket);
    view.cors ??= readCors(parseXml(Buffer.from(text)));
    return view.cors;
  }

  lifecycle(bucket: Bucket): readonly LifecycleRule[] | undefined {
    const text = bucket.documents[DOCUMENTS.lifecycle];
    if (text === undefined) return undefined;
    const view = this.#view(bucket);
    view.lifecycle ??= readLifecycle(parseXml(Buffer.from(text)));
    return view.lifecycle;
  }

  limits(bucket: Bucket): RateLimits | undefined {
    const text = bucket.documents[DOCUMENTS.limits];
    if (text === undefined) return undefined;
    const view = this.#view(bucket);
    view.limits ??= rateLimitsSchema.parse(JSON.parse(text));
    return view.limits;
  }

  #view(bucket: Bucket): View {
    const known = this.#views.get(bucket);
    if (known) return known;
    const made: View = {};
    this.#views.set(bucket, made);
    return made;
  }
}
