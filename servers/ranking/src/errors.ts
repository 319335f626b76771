/** `code` is API: never renamed, never reused. */
export type RankingErrorCode =
  | "STORAGE_CORRUPT"
  | "STORAGE_FULL"
  | "STORAGE_LOCKED"
  | "STORAGE_FAILED"
  | "DATA_PRESENT"
  | "LOG_TRIMMED"
  | "RDB_UNREADABLE"
  | "RDB_UNWRITABLE"
  | "ACL_FILE_INVALID"
  | "ACCESS_OPEN";

/** A failure of the ranking store that is nobody's command: of its files, its settings or its machine. */
export class RankingError extends Error {
  override readonly name = "RankingError";
  readonly code: RankingErrorCode;

  constructor(code: RankingErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}
