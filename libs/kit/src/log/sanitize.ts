/** A field's text beyond this is cut, and says so; a peer must not be able to fill a disk. */
const FIELD_LIMIT_CHARACTERS = 4_096;

/** What all the text of one field may have together, however it is nested. */
const FIELD_BUDGET_CHARACTERS = 16_384;
const DEPTH_LIMIT = 6;
const ENTRIES_LIMIT = 100;
/** Quotes, colon and comma, and a number's digits. */
const VALUE_OVERHEAD_CHARACTERS = 8;
const REDACTED = "(redacted)";

/** Names whose text never reaches a log, by their last word: `key`, `operator_token`, `x-api-key`, and in camelCase `streamKey`. */
const SECRET_WORD = /(?:^|[._-])(?:key|token|secret|password|authorization|cookie)s?$/i;
const SECRET_CAMEL_WORD = /[A-Za-z0-9](?:Key|Token|Secret|Password|Authorization|Cookie)s?$/;

/** Whether text in a field of this name is left out of the log. */
function isSecretField(name: string): boolean {
  return SECRET_WORD.test(name) || SECRET_CAMEL_WORD.test(name);
}

/**
 * A copy of a log field that is safe to write: secrets redacted, long text cut, errors as
 * `{name, code, message, stack, cause}`, bytes as their count, cycles and great depth ended. Never throws.
 */
export function sanitizeField(name: string, value: unknown): unknown {
  try {
    return sanitize(name, value, 0, { left: FIELD_BUDGET_CHARACTERS });
  } catch {
    // A getter or toJSON of foreign code threw; the event matters more than the field.
    return "(unreadable)";
  }
}

/** Characters that a field may still add to its line. */
interface Budget {
  left: number;
}

function sanitize(name: string, value: unknown, depth: number, budget: Budget): unknown {
  budget.left -= name.length + VALUE_OVERHEAD_CHARACTERS;
  if (budget.left < 0) return "(cut)";
  switch (typeof value) {
    case "string":
      return isSecretField(name) ? REDACTED : cut(value, budget);
    case "bigint":
      return isSecretField(name) ? REDACTED : cut(value.toString(), budget);
    case "number":
      return Number.isFinite(value) ? value : String(value);
    case "boolean":
    case "undefined":
      return value;
    case "function":
    case "symbol":
      return `(${typeof value})`;
    case "object":
      if (value === null) return null;
      return isSecretField(name) ? REDACTED : sanitizeObject(value, depth, budget);
    default:
      return undefined;
  }
}

function sanitizeObject(value: object, depth: number, budget: Budget): unknown {
  if (value instanceof Error) return sanitizeError(value, depth, budget);
  if (value instanceof Date) return Number.isNaN(value.getTime()) ? "(invalid date)" : value.toISOString();
  if (ArrayBuffer.isView(value) || value instanceof ArrayBuffer) return `(${value.byteLength} bytes)`;
  if (depth >= DEPTH_LIMIT) return "(too deep)";
  if (Array.isArray(value)) {
    const items = value.slice(0, ENTRIES_LIMIT).map((item) => sanitize("", item, depth + 1, budget));
    if (value.length > ENTRIES_LIMIT) items.push(`(${value.length - ENTRIES_LIMIT} more)`);
    return items;
  }
  const entries: [string, unknown][] =
    value instanceof Map ? [...value].map(([k, v]) => [String(k), v]) : Object.entries(value);
  const copy: Record<string, unknown> = {};
  for (const [key, item] of entries.slice(0, ENTRIES_LIMIT))
    copy[cut(key, budget)] = sanitize(key, item, depth + 1, budget);
  if (entries.length > ENTRIES_LIMIT) copy["(more)"] = entries.length - ENTRIES_LIMIT;
  return copy;
}

function sanitizeError(error: Error, depth: number, budget: Budget): unknown {
  const copy: Record<string, unknown> = { name: error.name };
  const code: unknown = (error as { code?: unknown }).code;
  if (typeof code === "string" || typeof code === "number") copy.code = code;
  copy.message = cut(error.message, budget);
  if (error.stack !== undefined) copy.stack = cut(error.stack, budget);
  if (error.cause !== undefined)
    copy.cause = depth >= DEPTH_LIMIT ? "(too deep)" : sanitize("cause", error.cause, depth + 1, budget);
  if (error instanceof AggregateError && depth < DEPTH_LIMIT)
    copy.errors = sanitize("errors", error.errors, depth + 1, budget);
  return copy;
}

function cut(text: string, budget: Budget): string {
  const limit = Math.max(0, Math.min(FIELD_LIMIT_CHARACTERS, budget.left));
  budget.left -= Math.min(text.length, limit);
  return text.length <= limit ? text : `${text.slice(0, limit)}… (cut, ${text.length} characters)`;
}
