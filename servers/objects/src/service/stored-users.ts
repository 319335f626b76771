import { z } from "zod";
import type { RateLimits } from "../engine/limits/rate-limits.ts";

/** Names are used in `arn:aws:iam:::user/NAME`; wildcards and slashes cannot be part of them. */
export const USER_NAME = /^[a-zA-Z0-9._-]{1,64}$/;
export const ACCESS_KEY = /^[A-Za-z0-9]{3,128}$/;
export const USER_LIMIT = 10_000;
export const KEYS_PER_USER_LIMIT = 10;
export const SECRET_MIN_CHARACTERS = 8;

const rate = z.number().positive().max(1e12).optional();

/** Limits as documents and the admin API write them; what is absent has none. */
export const rateLimitsSchema = z.strictObject({
  requestsPerSecond: rate,
  bytesInPerSecond: rate,
  bytesOutPerSecond: rate,
});

const keySchema = z.strictObject({
  accessKey: z.string().regex(ACCESS_KEY),
  secretKey: z.string().min(SECRET_MIN_CHARACTERS).max(128),
  createdMs: z.number(),
  isEnabled: z.boolean(),
});

const userSchema = z.strictObject({
  name: z.string().regex(USER_NAME),
  createdMs: z.number(),
  isEnabled: z.boolean(),
  /** Policies by name, as text. */
  policies: z.record(z.string().min(1).max(64), z.string()),
  limits: rateLimitsSchema,
  keys: z.array(keySchema).max(KEYS_PER_USER_LIMIT),
});

/** All of `users.json`. */
export const usersFileSchema = z.strictObject({ version: z.literal(1), users: z.array(userSchema).max(USER_LIMIT) });

/** A user as the file has it. */
export type StoredUser = z.output<typeof userSchema>;
/** A key as the file has it. */
export type StoredKey = z.output<typeof keySchema>;

/** A user as the admin API shows it: no secrets. */
export interface UserView {
  readonly name: string;
  readonly createdMs: number;
  readonly isEnabled: boolean;
  readonly policies: Readonly<Record<string, string>>;
  readonly limits: RateLimits;
  readonly keys: readonly {
    readonly accessKey: string;
    readonly createdMs: number;
    readonly isEnabled: boolean;
    /** From the settings, not from the file: it cannot be changed here. */
    readonly isFixed: boolean;
  }[];
}

/** @param fixedKey A key that the user has by the settings. */
export function viewOf({ keys, ...rest }: StoredUser, fixedKey: StoredKey | undefined): UserView {
  const shown = keys.map((key) => describeKey(key, false));
  if (fixedKey) shown.push(describeKey(fixedKey, true));
  return { ...rest, keys: shown };
}

function describeKey({ accessKey, createdMs, isEnabled }: StoredKey, isFixed: boolean) {
  return { accessKey, createdMs, isEnabled, isFixed };
}
