/** What a check can find; the words are API: never renamed, never reused. */
export type FindingCode =
  | "store-file"
  | "index-missing"
  | "index-unusable"
  | "index-wrong"
  | "count-wrong"
  | "volume-header"
  | "volume-foreign"
  | "volume-missing"
  | "volume-short"
  | "volume-damaged"
  | "volume-forgotten"
  | "end-mark"
  | "head-damaged"
  | "object-lost"
  | "blob-missing"
  | "blob-damaged"
  | "blob-orphan"
  | "not-replayed"
  | "commit-torn"
  | "would-return"
  | "group-ended"
  | "unknown-file";

/** One line of a report. A note is nothing to mend: the next start does what there is to do. */
export interface Finding {
  readonly severity: "error" | "note";
  readonly code: FindingCode;
  /** A file or directory of the store. */
  readonly where: string;
  readonly what: string;
}

/** A version that cannot be read, wholly or in part. */
export interface LostObject {
  readonly bucket: string;
  readonly key: string;
  /** As clients see it; `""` for an upload that was not completed. */
  readonly versionId: string;
  readonly why: string;
}

/** More are counted and not kept. */
const KEPT_FINDINGS = 100_000;

/** Findings and lost objects as they come, 100,000 of each at most; the rest is only counted. */
export class Findings {
  readonly list: Finding[] = [];
  readonly lost: LostObject[] = [];
  errorCount = 0;
  noteCount = 0;
  lostCount = 0;

  error(code: FindingCode, where: string, what: string): void {
    this.errorCount++;
    if (this.list.length < KEPT_FINDINGS) this.list.push({ severity: "error", code, where, what });
  }

  note(code: FindingCode, where: string, what: string): void {
    this.noteCount++;
    if (this.list.length < KEPT_FINDINGS) this.list.push({ severity: "note", code, where, what });
  }

  lose(object: LostObject): void {
    this.lostCount++;
    if (this.lost.length < KEPT_FINDINGS) this.lost.push(object);
  }

  has(code: FindingCode): boolean {
    return this.list.some((finding) => finding.code === code);
  }
}
