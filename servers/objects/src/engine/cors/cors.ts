import { globMatches } from "../policy/glob.ts";

/** A rule of a bucket's CORS document. */
export interface CorsRule {
  readonly id: string | undefined;
  /** At most one `*` each. */
  readonly allowedOrigins: readonly string[];
  readonly allowedMethods: readonly string[];
  /** In lower case; at most one `*` each. */
  readonly allowedHeaders: readonly string[];
  readonly exposeHeaders: readonly string[];
  readonly maxAgeSeconds: number | undefined;
}

/** What a browser asks before it asks. */
export interface Preflight {
  readonly origin: string;
  readonly method: string;
  /** Names from `Access-Control-Request-Headers`, in lower case. */
  readonly headers: readonly string[];
}

type Headers = readonly (readonly [name: string, value: string])[];

/**
 * The headers that answer a preflight, or undefined if no rule allows it. An origin is named with credentials only when
 * a rule names it; a rule for `*` answers `*`, which browsers never take with credentials.
 *
 * @see https://docs.aws.amazon.com/AmazonS3/latest/userguide/cors.html
 */
export function answerPreflight(rules: readonly CorsRule[], preflight: Preflight): Headers | undefined {
  for (const rule of rules) {
    const origin = originFits(rule, preflight.origin);
    if (origin === undefined || !rule.allowedMethods.includes(preflight.method)) continue;
    if (!preflight.headers.every((name) => rule.allowedHeaders.some((pattern) => globMatches(pattern, name)))) continue;
    const headers: (readonly [string, string])[] = [...originHeaders(rule, origin)];
    if (preflight.headers.length > 0) headers.push(["access-control-allow-headers", preflight.headers.join(", ")]);
    if (rule.maxAgeSeconds !== undefined) headers.push(["access-control-max-age", String(rule.maxAgeSeconds)]);
    return headers;
  }
  return undefined;
}

/** The headers to add to the answer of an actual request; none if no rule allows its origin. */
export function answerActual(rules: readonly CorsRule[], origin: string, method: string): Headers {
  for (const rule of rules) {
    const answered = originFits(rule, origin);
    if (answered !== undefined && rule.allowedMethods.includes(method)) return originHeaders(rule, answered);
  }
  return [];
}

/** The origin to answer: `*` for the rule that allows all, else the origin itself. */
function originFits(rule: CorsRule, origin: string): string | undefined {
  if (rule.allowedOrigins.includes("*")) return "*";
  return rule.allowedOrigins.some((pattern) => globMatches(pattern, origin)) ? origin : undefined;
}

function originHeaders(rule: CorsRule, origin: string): Headers {
  const headers: [string, string][] = [
    ["access-control-allow-origin", origin],
    ["access-control-allow-methods", rule.allowedMethods.join(", ")],
  ];
  // Only where the rule names the origin: credentials and a reflected "*" together would open the bucket to every page.
  if (origin !== "*") headers.push(["access-control-allow-credentials", "true"]);
  if (rule.exposeHeaders.length > 0) headers.push(["access-control-expose-headers", rule.exposeHeaders.join(", ")]);
  headers.push(["vary", "Origin, Access-Control-Request-Headers, Access-Control-Request-Method"]);
  return headers;
}
