export type LiveErrorCode =
  | "CHANNEL_NOT_FOUND"
  | "CHANNEL_EXISTS"
  | "CHANNEL_NAME_INVALID"
  | "CHANNEL_LIMIT"
  | "OPEN_PUBLISH"
  | "CONFIG_UNSAFE";

/** Something the live server was asked for and cannot do. `code` is API: never renamed, never reused. */
export class LiveError extends Error {
  override readonly name = "LiveError";
  readonly code: LiveErrorCode;

  constructor(code: LiveErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}
