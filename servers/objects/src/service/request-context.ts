import type { TLSSocket } from "node:tls";
import type { HttpRequest, HttpResponse } from "@kagami/kit";
import type { RateState } from "../engine/limits/rate-limits.ts";
import { HeaderFields } from "../protocol/header-fields.ts";
import { NO_QUERY, type Route } from "../protocol/routing/index.ts";
import { type Authentication, withHoistedHeaders } from "../protocol/sigv4/index.ts";
import type { Bucket } from "../store/object-store.ts";
import type { Service } from "./service.ts";
import type { User } from "./user-rights.ts";

const NO_ROUTE: Route = { operation: "Preflight", bucket: "", key: "", query: NO_QUERY };

/**
 * One request on its way through the service. What authentication and routing find out is set before a handler sees it;
 * handlers read credentials from nowhere else.
 */
export class RequestContext {
  readonly request: HttpRequest;
  readonly response: HttpResponse;
  readonly service: Service;
  /** 16 digits, told to the client and written in the logs. */
  readonly id: string;
  readonly nowMs: number;
  readonly startedMs: number;
  readonly method: string;
  /** As sent, with the query. */
  readonly url: string;
  /** As sent, one byte a character, without the query. */
  readonly path: string;
  /** As sent, without `?`. */
  readonly query: string;
  readonly headers: HeaderFields;
  /** Whether the client waits with its body until it is asked for. */
  readonly expectsContinue: boolean;
  readonly remoteAddress: string;
  readonly isSecure: boolean;

  route: Route = NO_ROUTE;
  authentication: Authentication | undefined;
  user: User | undefined;
  /** Set for operations of a bucket that is there. */
  bucket: Bucket | undefined;
  /** What the bucket's CORS rules add to any answer, also to errors: a page must be able to read why. */
  corsHeaders: readonly (readonly [name: string, value: string])[] = [];
  /** Fields of a form, in the place of headers. */
  formFields: HeaderFields | undefined;
  #amzFields: HeaderFields | undefined;
  /** Headers of the answer, name and value in turns. */
  readonly replyHeaders: string[] = [];
  userRates: RateState | undefined;
  bucketRates: RateState | undefined;

  bytesIn = 0;
  bytesOut = 0;
  status = 0;
  errorCode: string | undefined;
  /** Whether the body has been asked for, so that what is left of it must be dealt with. */
  isBodyTaken = false;

  constructor(service: Service, request: HttpRequest, response: HttpResponse, expectsContinue: boolean) {
    const { nowMs, proxies } = service;
    this.service = service;
    this.request = request;
    this.response = response;
    this.expectsContinue = expectsContinue;
    this.id = service.nextRequestId();
    this.nowMs = nowMs();
    this.startedMs = service.monotonicMs();
    this.method = request.method ?? "GET";
    const url = request.url ?? "/";
    this.url = url;
    const queryAt = url.indexOf("?");
    this.path = queryAt < 0 ? url : url.slice(0, queryAt);
    this.query = queryAt < 0 ? "" : url.slice(queryAt + 1);
    this.headers = new HeaderFields(request.rawHeaders);
    const peer = request.socket.remoteAddress ?? "";
    const isTls = (request.socket as Partial<TLSSocket>).encrypted === true;
    this.remoteAddress = proxies.clientAddress(peer, this.headers);
    this.isSecure = proxies.isSecure(peer, isTls, this.headers);
  }

  get host(): string {
    return this.headers.get("host") ?? "";
  }

  /**
   * Headers that S3 knows also as fields of a form and, moved by whoever signed it, as parameters of a presigned URL.
   * Only where both are proven by a signature: parameters of other requests are no headers.
   */
  get amzFields(): HeaderFields {
    this.#amzFields ??= this.formFields ?? this.#withSignedParameters();
    return this.#amzFields;
  }

  /** One of {@link amzFields}. @param name In lower case. */
  amzHeader(name: string): string | undefined {
    return this.amzFields.get(name);
  }

  #withSignedParameters(): HeaderFields {
    const isPresigned = this.authentication?.kind === "query";
    return isPresigned ? withHoistedHeaders(this.headers, this.route.query) : this.headers;
  }

  /** Who asks, for logs. */
  get userName(): string {
    return this.user?.name ?? "anonymous";
  }

  /** The bucket that the dispatcher has found. @throws TypeError in operations of the service: a bug. */
  get ownBucket(): Bucket {
    if (!this.bucket) throw new TypeError(`Operation ${this.route.operation} has no bucket`);
    return this.bucket;
  }

  addHeader(name: string, value: string): void {
    this.replyHeaders.push(name, value);
  }

  /** Whether bodies are paced: most requests need not ask for each chunk. */
  paces(direction: "in" | "out"): boolean {
    return (this.userRates?.paces(direction) ?? false) || (this.bucketRates?.paces(direction) ?? false);
  }

  /** Takes bytes from the rates of user and bucket; tells how many ms to wait before they go. */
  takeBytes(direction: "in" | "out", count: number): number {
    const nowMs = this.service.monotonicMs();
    return Math.max(
      this.userRates?.takeBytes(direction, count, nowMs) ?? 0,
      this.bucketRates?.takeBytes(direction, count, nowMs) ?? 0,
    );
  }
}
