/** `code` is API: never renamed, never reused. */
export type ObjectsErrorCode =
  | "USERS_INVALID"
  | "TLS_INVALID"
  | "HASHING_FAILED"
  | "PROBE_FAILED"
  | "STORE_IN_USE"
  | "STORE_UNREADABLE"
  | "REPAIR_FAILED"
  | "STORE_IS_REPLICA"
  | "STORE_IS_NO_REPLICA"
  | "REPLICA_NOT_WHOLE"
  | "FOLLOW_INVALID";

/** The object store cannot start or go on; the message says what, where and how to mend it. */
export class ObjectsError extends Error {
  override readonly name = "ObjectsError";
  readonly code: ObjectsErrorCode;

  constructor(code: ObjectsErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}
