export type CacheproxyErrorCode = "WORKER_FAILED";

/** Something the cache proxy cannot do as it was told to. `code` is API: never renamed, never reused. */
export class CacheproxyError extends Error {
  override readonly name = "CacheproxyError";
  readonly code: CacheproxyErrorCode;

  constructor(code: CacheproxyErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}
