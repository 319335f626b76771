export type DemoPublishErrorCode = "DEMO_URL_INVALID" | "DEMO_CONNECTION_LOST" | "DEMO_REFUSED" | "DEMO_SERVER_STALLED";

/** Why the broadcast cannot go out. `code` is API: never renamed, never reused. */
export class DemoPublishError extends Error {
  override readonly name = "DemoPublishError";
  readonly code: DemoPublishErrorCode;

  constructor(code: DemoPublishErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}

/** Takes one event: a dotted past-tense name and its fields. */
export type DemoLog = (event: string, fields: Readonly<Record<string, string | number>>) => void;
