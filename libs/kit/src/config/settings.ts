import { z } from "zod";

/** How the text of a flag or an environment variable becomes a value. */
export type SettingKind = "string" | "number" | "boolean" | "enum" | "json";

/** One setting as help, manual, flags and environment see it; derived from the schema, never written by hand. */
export interface Setting {
  readonly key: string;
  readonly flag: string;
  readonly envName: string;
  readonly kind: SettingKind;
  readonly isArray: boolean;
  readonly isNullable: boolean;
  readonly isRequired: boolean;
  readonly isSecret: boolean;
  readonly defaultValue: unknown;
  readonly description: string;
  readonly group: string;
  /** Other flag names; one letter is written with one dash. */
  readonly aliases: readonly string[];
  readonly placeholder: string;
  readonly unit: string | undefined;
  readonly choices: readonly string[];
  readonly min: number | undefined;
  readonly max: number | undefined;
}

interface JsonSchema {
  readonly type?: string | readonly string[];
  readonly enum?: readonly unknown[];
  readonly items?: JsonSchema;
  readonly anyOf?: readonly JsonSchema[];
  readonly default?: unknown;
  readonly description?: string;
  readonly minimum?: number;
  readonly maximum?: number;
  readonly properties?: Readonly<Record<string, JsonSchema>>;
  readonly required?: readonly string[];
  readonly alias?: readonly string[];
  readonly secret?: boolean;
  readonly placeholder?: string;
  readonly unit?: string;
  readonly group?: string;
}

/**
 * The settings of a schema, in its order. Beside zod's own, these `.meta()` names are understood: `alias` (list of
 * flag names), `secret` (masked wherever it is shown), `placeholder`, `group`, and `unit` (`ms`, `s` and `bytes` also
 * accept `30s`, `5m`, `64KiB` in flags, environment and file).
 */
export function describeSettings(part: string, schema: z.ZodObject): Setting[] {
  const json = z.toJSONSchema(schema, { io: "input", unrepresentable: "any" }) as JsonSchema;
  const required = new Set(json.required ?? []);
  return Object.entries(json.properties ?? {}).map(([key, property]) =>
    describeSetting(part, key, property, required.has(key)),
  );
}

/** `shutdownGraceMs` → `--shutdown-grace-ms`. */
export function flagName(key: string): string {
  return `--${splitWords(key).join("-")}`;
}

/** `shutdownGraceMs` of part `live` → `KAGAMI_LIVE_SHUTDOWN_GRACE_MS`. */
export function envName(part: string, key: string): string {
  return `${envPrefix(part)}${splitWords(key).join("_").toUpperCase()}`;
}

/** What the names of a part's environment variables begin with. */
export function envPrefix(part: string): string {
  return `KAGAMI_${part.replace(/-/g, "_").toUpperCase()}_`;
}

function splitWords(key: string): string[] {
  return key
    .replace(/([a-z0-9])([A-Z])/g, "$1-$2")
    .replace(/([A-Z])([A-Z][a-z])/g, "$1-$2")
    .toLowerCase()
    .split("-");
}

function describeSetting(part: string, key: string, property: JsonSchema, isRequired: boolean): Setting {
  const types = typesOf(property);
  const isArray = types.includes("array");
  const element = isArray ? (property.items ?? {}) : property;
  const kind = kindOf(element);
  return {
    key,
    flag: flagName(key),
    envName: envName(part, key),
    kind,
    isArray,
    isNullable: types.includes("null"),
    isRequired,
    isSecret: property.secret === true,
    defaultValue: property.default,
    description: property.description ?? "",
    group: property.group ?? "Settings",
    aliases: property.alias ?? [],
    placeholder: property.placeholder ?? placeholderOf(kind, element),
    unit: property.unit,
    choices: (element.enum ?? []).map(String),
    min: bound(element.minimum),
    max: bound(element.maximum),
  };
}

/** Each type once; a union has those of its members, so `"off"` or an address is a text like any other. */
function typesOf(schema: JsonSchema): readonly string[] {
  if (schema.anyOf) return [...new Set(schema.anyOf.flatMap(typesOf))];
  if (schema.type === undefined) return [];
  return typeof schema.type === "string" ? [schema.type] : schema.type;
}

function kindOf(schema: JsonSchema): SettingKind {
  const types = typesOf(schema).filter((type) => type !== "null");
  if (types.length !== 1) return "json";
  if (types[0] === "string") return schema.enum ? "enum" : "string";
  if (types[0] === "number" || types[0] === "integer") return "number";
  return types[0] === "boolean" ? "boolean" : "json";
}

function placeholderOf(kind: SettingKind, schema: JsonSchema): string {
  if (kind === "enum") return (schema.enum ?? []).join("|");
  return kind === "string" ? "text" : kind;
}

function bound(value: number | undefined): number | undefined {
  return value === undefined || Math.abs(value) >= Number.MAX_SAFE_INTEGER ? undefined : value;
}
