import type { Setting } from "./settings.ts";

/** A value read from text, or why it could not be. */
export type TextValue =
  | { readonly ok: true; readonly value: unknown }
  | { readonly ok: false; readonly reason: string };

const TRUE_WORDS = new Set(["true", "yes", "on", "1"]);
const FALSE_WORDS = new Set(["false", "no", "off", "0"]);

const DURATION_MS: Readonly<Record<string, number>> = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 };
const SIZE_BYTES: Readonly<Record<string, number>> = {
  b: 1,
  kb: 1_000,
  mb: 1_000_000,
  gb: 1_000_000_000,
  tb: 1_000_000_000_000,
  kib: 1_024,
  mib: 1_048_576,
  gib: 1_073_741_824,
  tib: 1_099_511_627_776,
};

/** Turns the text of a flag or an environment variable into what the schema expects; arrays are cut at commas. */
export function parseSettingText(setting: Setting, text: string): TextValue {
  if (setting.isNullable && text === "null") return { ok: true, value: null };
  if (!setting.isArray) return parseOne(setting, text);
  if (setting.kind === "json") return parseOne(setting, text);
  if (text === "") return { ok: true, value: [] };
  const values: unknown[] = [];
  for (const piece of text.split(",")) {
    const parsed = parseOne(setting, piece.trim());
    if (!parsed.ok) return parsed;
    values.push(parsed.value);
  }
  return { ok: true, value: values };
}

/** Reads `30s` or `64MiB` in the configuration file too, where the schema gives the setting a unit. */
export function parseFileValue(setting: Setting, value: unknown): TextValue {
  if (setting.kind !== "number" || setting.isArray || typeof value !== "string") return { ok: true, value };
  return parseNumber(setting, value);
}

function parseOne(setting: Setting, text: string): TextValue {
  switch (setting.kind) {
    case "string":
    case "enum":
      return { ok: true, value: text };
    case "number":
      return parseNumber(setting, text);
    case "boolean": {
      const word = text.toLowerCase();
      if (TRUE_WORDS.has(word)) return { ok: true, value: true };
      if (FALSE_WORDS.has(word)) return { ok: true, value: false };
      return { ok: false, reason: "write true or false" };
    }
    case "json":
      return parseJson(text);
    default:
      return setting.kind satisfies never;
  }
}

function parseNumber(setting: Setting, text: string): TextValue {
  const match = /^([+-]?\d[\d_]*(?:\.\d+)?(?:e[+-]?\d+)?)\s*([a-z]*)$/i.exec(text.trim());
  const units = unitsOf(setting);
  const examples = setting.unit === "bytes" ? `, such as 65536 or "64KiB"` : units ? `, such as 500 or "30s"` : "";
  if (!match) return { ok: false, reason: `write a number${examples}` };
  const [, digits = "", unitName = ""] = match;
  const value = Number(digits.replaceAll("_", ""));
  if (unitName === "") return { ok: true, value };
  if (!units) return { ok: false, reason: "write a plain number, without a unit" };
  const factor = units[unitName.toLowerCase()];
  if (factor === undefined)
    return { ok: false, reason: `write a number${examples}; "${unitName}" is not a unit of it` };
  return { ok: true, value: (value * factor) / (setting.unit === "s" ? 1_000 : 1) };
}

function unitsOf(setting: Setting): Readonly<Record<string, number>> | undefined {
  if (setting.unit === "bytes") return SIZE_BYTES;
  return setting.unit === "ms" || setting.unit === "s" ? DURATION_MS : undefined;
}

function parseJson(text: string): TextValue {
  try {
    return { ok: true, value: JSON.parse(text) };
  } catch {
    // The parser's own text would repeat the value, which may be a secret.
    return { ok: false, reason: "write it as JSON" };
  }
}
