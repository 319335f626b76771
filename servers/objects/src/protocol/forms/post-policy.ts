import { decodeBase64 } from "../base64.ts";
import { parseIsoDate } from "../dates.ts";
import { S3Error } from "../errors.ts";

/** What a policy demands of the fields of a form. */
type Condition =
  | { readonly kind: "eq" | "starts-with"; readonly field: string; readonly value: string }
  | { readonly kind: "content-length-range"; readonly minBytes: number; readonly maxBytes: number };

/** What a signer allows a form to upload. */
export interface PostPolicy {
  readonly expiresMs: number;
  readonly conditions: readonly Condition[];
}

/** How large a file may be, in bytes. */
export interface SizeRange {
  readonly minBytes: number;
  readonly maxBytes: number;
}

/** A policy has at most so many conditions. */
export const MAX_POLICY_CONDITIONS = 200;

/** Fields that no condition has to name. */
const FREE_FIELDS: ReadonlySet<string> = new Set(["policy", "x-amz-signature", "file", "signature", "awsaccesskeyid"]);

const utf8 = new TextDecoder("utf-8", { fatal: true });

/**
 * Reads a policy document as a form sends it: JSON in base64.
 *
 * @throws S3Error InvalidPolicyDocument
 * @see Amazon S3 API Reference, "Creating a POST policy"
 */
export function parsePostPolicy(text: string): PostPolicy {
  // Line breaks come from tools that wrap base64; what is signed is the text as it is.
  const bytes = decodeBase64(text.replace(/[\r\n]/g, ""));
  if (bytes === undefined) throw invalidPolicy("not base64");
  let document: unknown;
  try {
    document = JSON.parse(utf8.decode(bytes));
  } catch (cause) {
    throw invalidPolicy("not JSON", cause);
  }
  if (!isRecord(document)) throw invalidPolicy("not an object");
  const { expiration, conditions } = document;
  const expiresMs = typeof expiration === "string" ? parseIsoDate(expiration) : undefined;
  if (expiresMs === undefined) throw invalidPolicy("its expiration is no date of the form 2007-12-01T12:00:00.000Z");
  if (!Array.isArray(conditions)) throw invalidPolicy("its conditions are no list");
  if (conditions.length > MAX_POLICY_CONDITIONS) throw invalidPolicy("it has too many conditions");
  return { expiresMs, conditions: conditions.flatMap(parseCondition) };
}

function parseCondition(condition: unknown): Condition[] {
  if (Array.isArray(condition)) return [parseListCondition(condition)];
  if (!isRecord(condition)) throw invalidPolicy("a condition is neither list nor object");
  const conditions: Condition[] = [];
  for (const [field, value] of Object.entries(condition)) {
    if (typeof value !== "string") throw invalidPolicy(`the value of "${field}" is no text`);
    conditions.push({ kind: "eq", field: field.toLowerCase(), value });
  }
  if (conditions.length !== 1) throw invalidPolicy("a condition names more or less than one field");
  return conditions;
}

function parseListCondition(condition: readonly unknown[]): Condition {
  const [kind, first, second] = condition;
  const operator = typeof kind === "string" ? kind.toLowerCase() : "";
  if (condition.length !== 3) throw invalidPolicy("a condition does not have three parts");
  if (operator === "content-length-range") {
    const minBytes = Number(first);
    const maxBytes = Number(second);
    if (!Number.isSafeInteger(minBytes) || !Number.isSafeInteger(maxBytes) || minBytes < 0) {
      throw invalidPolicy("content-length-range does not have two whole numbers");
    }
    return { kind: "content-length-range", minBytes, maxBytes };
  }
  if (operator !== "eq" && operator !== "starts-with") throw invalidPolicy("an operator is unknown");
  if (typeof first !== "string" || typeof second !== "string" || !first.startsWith("$")) {
    throw invalidPolicy("a condition does not name a field with $ and a text");
  }
  return { kind: operator, field: first.slice(1).toLowerCase(), value: second };
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function invalidPolicy(what: string, cause?: unknown): S3Error {
  return new S3Error("InvalidPolicyDocument", { message: `Invalid Policy: ${what}.`, cause });
}

/**
 * Checks a form against its policy: not expired, every condition true, and no field that no condition names (but
 * `x-ignore-*`). Returns how large the file may be.
 *
 * @param fields By name in lower case, the key with its file name filled in. The bucket of the request counts as a
 * field, whatever the form says.
 * @throws S3Error AccessDenied
 */
export function checkPostPolicy(
  policy: PostPolicy,
  fields: ReadonlyMap<string, string>,
  bucket: string,
  nowMs: number,
): SizeRange {
  if (nowMs >= policy.expiresMs) throw denied("Policy expired.");
  const named = new Set<string>();
  let minBytes = 0;
  let maxBytes = Number.MAX_SAFE_INTEGER;
  for (const condition of policy.conditions) {
    if (condition.kind === "content-length-range") {
      minBytes = Math.max(minBytes, condition.minBytes);
      maxBytes = Math.min(maxBytes, condition.maxBytes);
      continue;
    }
    named.add(condition.field);
    const value = condition.field === "bucket" ? bucket : (fields.get(condition.field) ?? "");
    const holds = condition.kind === "eq" ? value === condition.value : value.startsWith(condition.value);
    if (!holds) {
      const shown = JSON.stringify([condition.kind, `$${condition.field}`, condition.value]);
      throw denied(`Policy Condition failed: ${shown}`);
    }
  }
  for (const field of fields.keys()) {
    if (named.has(field) || FREE_FIELDS.has(field) || field.startsWith("x-ignore-")) continue;
    throw denied(`Extra input fields: ${field}`);
  }
  return { minBytes, maxBytes };
}

function denied(what: string): S3Error {
  return new S3Error("AccessDenied", { message: `Invalid according to Policy: ${what}` });
}

/** Checks the size of a file, while it comes (`isWhole` false) or when it is there. @throws S3Error EntityTooLarge, EntityTooSmall */
export function checkFileSize(range: SizeRange, sizeBytes: number, isWhole: boolean): void {
  if (sizeBytes > range.maxBytes) {
    throw new S3Error("EntityTooLarge", {
      fields: { ProposedSize: String(sizeBytes), MaxSizeAllowed: String(range.maxBytes) },
    });
  }
  if (isWhole && sizeBytes < range.minBytes) {
    throw new S3Error("EntityTooSmall", {
      fields: { ProposedSize: String(sizeBytes), MinSizeAllowed: String(range.minBytes) },
    });
  }
}
