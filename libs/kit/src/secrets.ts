import { createHash, createHmac, randomBytes, timingSafeEqual } from "node:crypto";

/** A random token in base64url. 32 bytes (the default) cannot be guessed, so a plain hash of it may be stored. */
export function randomToken(sizeBytes = 32): string {
  if (!(Number.isInteger(sizeBytes) && sizeBytes >= 16 && sizeBytes <= 1_024)) {
    throw new RangeError(`Cannot make a token of ${sizeBytes} bytes: 16 to 1024 are allowed`);
  }
  return randomBytes(sizeBytes).toString("base64url");
}

/** SHA-256 in hex, for storing secrets of high entropy such as stream keys. Not for passwords that people choose. */
export function hashSecret(secret: string): string {
  return createHash("sha256").update(secret, "utf8").digest("hex");
}

/** Whether two secrets are the same, in a time that depends on neither their content nor where they differ. */
export function equalSecret(given: string, expected: string): boolean {
  // Hashing makes the lengths equal, so that not even the expected length shows.
  const a = createHash("sha256").update(given, "utf8").digest();
  const b = createHash("sha256").update(expected, "utf8").digest();
  return timingSafeEqual(a, b);
}

/** A key that signs tokens. `id` travels in the token, so that keys can be changed without ending old tokens at once. */
export interface TokenKey {
  readonly id: string;
  readonly secret: string;
}

export type TokenProblem = "TOKEN_MALFORMED" | "TOKEN_KEY_UNKNOWN" | "TOKEN_SIGNATURE_WRONG" | "TOKEN_EXPIRED";

export type TokenResult =
  | { readonly ok: true; readonly payload: Readonly<Record<string, unknown>>; readonly expiresAtMs: number }
  | { readonly ok: false; readonly code: TokenProblem };

const TOKEN_LIMIT_CHARACTERS = 2_048;
const KEY_ID = /^[A-Za-z0-9_-]{1,32}$/;
const SECRET_MIN_CHARACTERS = 16;

/**
 * Signs a payload with HMAC-SHA-256. The token is `base64url(json).base64url(signature)`: anyone can read the payload,
 * only a holder of the key can make one.
 *
 * @throws RangeError if the token would be longer than 2,048 characters, or the key is weak.
 */
export function signToken(payload: Readonly<Record<string, unknown>>, key: TokenKey, expiresAtMs: number): string {
  checkKey(key);
  if (!Number.isSafeInteger(expiresAtMs))
    throw new RangeError(`Cannot sign a token: it must expire, at whole milliseconds`);
  const body = Buffer.from(JSON.stringify({ k: key.id, e: expiresAtMs, p: payload })).toString("base64url");
  const token = `${body}.${signature(body, key.secret)}`;
  if (token.length > TOKEN_LIMIT_CHARACTERS) {
    throw new RangeError(
      `Cannot sign a token of ${token.length} characters: at most ${TOKEN_LIMIT_CHARACTERS} are allowed`,
    );
  }
  return token;
}

/** Checks a token against the keys that are still good. Nothing of the payload is trusted before its signature is. */
export function verifyToken(token: string, keys: readonly TokenKey[], nowMs: number): TokenResult {
  for (const key of keys) checkKey(key);
  const malformed: TokenResult = { ok: false, code: "TOKEN_MALFORMED" };
  if (token.length > TOKEN_LIMIT_CHARACTERS) return malformed;
  const match = /^([A-Za-z0-9_-]+)\.([A-Za-z0-9_-]{43})$/.exec(token);
  if (!match) return malformed;
  const [, body = "", given = ""] = match;
  const claims = readClaims(body);
  if (!claims) return malformed;
  const key = keys.find(({ id }) => id === claims.keyId);
  if (!key) return { ok: false, code: "TOKEN_KEY_UNKNOWN" };
  if (!equalSecret(given, signature(body, key.secret))) return { ok: false, code: "TOKEN_SIGNATURE_WRONG" };
  if (nowMs >= claims.expiresAtMs) return { ok: false, code: "TOKEN_EXPIRED" };
  return { ok: true, payload: claims.payload, expiresAtMs: claims.expiresAtMs };
}

function checkKey({ id, secret }: TokenKey): void {
  if (!KEY_ID.test(id)) throw new RangeError(`Cannot use token key "${id}": its id must be 1 to 32 of A-Z a-z 0-9 _ -`);
  if (secret.length < SECRET_MIN_CHARACTERS) {
    throw new RangeError(
      `Cannot use token key "${id}": its secret must have ${SECRET_MIN_CHARACTERS} characters or more`,
    );
  }
}

function signature(body: string, secret: string): string {
  return createHmac("sha256", secret).update(body, "ascii").digest("base64url");
}

interface Claims {
  readonly keyId: string;
  readonly expiresAtMs: number;
  readonly payload: Readonly<Record<string, unknown>>;
}

function readClaims(body: string): Claims | undefined {
  let json: unknown;
  try {
    json = JSON.parse(Buffer.from(body, "base64url").toString("utf8"));
  } catch {
    // Not JSON: the caller answers TOKEN_MALFORMED.
    return undefined;
  }
  if (typeof json !== "object" || json === null) return undefined;
  const { k, e, p } = json as { k?: unknown; e?: unknown; p?: unknown };
  if (typeof k !== "string" || typeof e !== "number" || typeof p !== "object" || p === null) return undefined;
  return { keyId: k, expiresAtMs: e, payload: p as Record<string, unknown> };
}
