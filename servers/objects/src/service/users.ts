import { join } from "node:path";
import { FileError, readJsonFile, writeFileAtomic } from "@kagami/kit";
import { z } from "zod";
import type { RateLimits } from "../engine/limits/rate-limits.ts";
import type { Policy } from "../engine/policy/policy.ts";
import { ObjectsError } from "../errors.ts";
import { readPolicy } from "../protocol/documents/policy-document.ts";
import { S3Error } from "../protocol/errors.ts";
import { randomAccessKey, randomSecretKey } from "./random-keys.ts";

/** Names are used in `arn:aws:iam:::user/NAME`; wildcards and slashes cannot be part of them. */
const USER_NAME = /^[a-zA-Z0-9._-]{1,64}$/;
const ACCESS_KEY = /^[A-Za-z0-9]{3,128}$/;
const USER_LIMIT = 10_000;
const KEYS_PER_USER_LIMIT = 10;
const POLICIES_PER_USER_LIMIT = 20;
const SECRET_MIN_CHARACTERS = 8;

const rate = z.number().positive().max(1e12).optional();

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

const fileSchema = z.strictObject({ version: z.literal(1), users: z.array(userSchema).max(USER_LIMIT) });

type StoredUser = z.output<typeof userSchema>;
type StoredKey = z.output<typeof keySchema>;

/** A user as requests are judged by. */
export interface User {
  readonly name: string;
  readonly policies: readonly Policy[];
  /** Whether one statement without a condition allows everything and none denies anything: nothing is evaluated then. */
  readonly mayEverything: boolean;
  readonly limits: RateLimits;
}

/** Who has an access key. */
export interface KeyHolder {
  readonly user: User;
  readonly accessKey: string;
  readonly secretKey: string;
}

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

export interface UserChange {
  readonly isEnabled?: boolean | undefined;
  readonly policies?: Readonly<Record<string, string>> | undefined;
  readonly limits?: RateLimits | undefined;
}

/** Why a change of users is refused. `code` is API. */
export class UserChangeError extends Error {
  override readonly name = "UserChangeError";
  readonly code: "USER_UNKNOWN" | "USER_EXISTS" | "USER_INVALID" | "KEY_UNKNOWN" | "KEY_FIXED" | "TOO_MANY";

  constructor(code: UserChangeError["code"], message: string) {
    super(message);
    this.code = code;
  }
}

/** Allows everything on every bucket: the policy of the first user. */
export const FULL_ACCESS_POLICY =
  '{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"s3:*","Resource":"*"}]}';

export interface UsersOptions {
  readonly directory: string;
  /** A key of the first user, from the settings; both empty if not given. It is never written to the file. */
  readonly accessKey: string;
  readonly secretKey: string;
  readonly nowMs: () => number;
}

/** The first user's key that was made at this start; to be shown once. */
export interface GeneratedKey {
  readonly accessKey: string;
  readonly secretKey: string;
}

export const FIRST_USER = "admin";

/**
 * Who may come in: users, their keys, policies and limits, kept in `users.json` (mode 0600). Signatures are made with
 * the secret itself, so the file holds secrets in clear; it must be as private as the data.
 *
 * Changes are written in the order they come, and are in force only when they are written.
 */
export class Users {
  readonly #path: string;
  readonly #fixedKey: StoredKey | undefined;
  readonly #nowMs: () => number;
  #stored: readonly StoredUser[] = [];
  #byKey = new Map<string, KeyHolder>();
  #byName = new Map<string, User>();
  #generation = 0;
  #writing: Promise<unknown> = Promise.resolve();

  private constructor(options: UsersOptions) {
    this.#path = join(options.directory, "users.json");
    this.#nowMs = options.nowMs;
    if (options.accessKey !== "") {
      const { accessKey, secretKey } = options;
      this.#fixedKey = { accessKey, secretKey, createdMs: options.nowMs(), isEnabled: true };
    }
  }

  /**
   * Reads the file, or makes the first user if there is none.
   *
   * @returns `generated` if a key was made at random.
   * @throws FileError, ObjectsError `USERS_INVALID`
   */
  static async open(options: UsersOptions): Promise<{ users: Users; generated: GeneratedKey | undefined }> {
    checkFixedKey(options);
    const users = new Users(options);
    let generated: GeneratedKey | undefined;
    try {
      const file = await readJsonFile(users.#path, fileSchema);
      users.#apply(file.users);
    } catch (error) {
      if (!(error instanceof FileError && error.code === "FILE_MISSING")) throw error;
      generated = await users.#makeFirst();
    }
    return { users, generated };
  }

  /** Rises with every change: who keeps something derived from users asks whether it is still the same. */
  get generation(): number {
    return this.#generation;
  }

  /** Who has a key that is in force. */
  find(accessKey: string): KeyHolder | undefined {
    return this.#byKey.get(accessKey);
  }

  user(name: string): User | undefined {
    return this.#byName.get(name);
  }

  /** A key of a user that is in force; whichever comes first. */
  anyKeyOf(name: string): KeyHolder | undefined {
    for (const holder of this.#byKey.values()) if (holder.user.name === name) return holder;
    return undefined;
  }

  list(): readonly UserView[] {
    return this.#stored.map((user) => this.#view(user));
  }

  view(name: string): UserView {
    return this.#view(this.#find(name));
  }

  async create(name: string, change: UserChange): Promise<UserView> {
    await this.#change((users) => {
      if (!USER_NAME.test(name)) {
        throw new UserChangeError("USER_INVALID", `"${name}" is no user name: 1 to 64 of A-Z a-z 0-9 . _ -`);
      }
      if (users.some((user) => user.name === name)) throw new UserChangeError("USER_EXISTS", `User "${name}" exists`);
      if (users.length >= USER_LIMIT) throw new UserChangeError("TOO_MANY", `There are ${USER_LIMIT} users already`);
      const made = { name, createdMs: this.#nowMs(), isEnabled: true, policies: {}, limits: {}, keys: [] };
      return [...users, changed(made, change)];
    });
    return this.view(name);
  }

  async update(name: string, change: UserChange): Promise<UserView> {
    await this.#changeUser(name, (user) => changed(user, change));
    return this.view(name);
  }

  async remove(name: string): Promise<void> {
    await this.#change((users) => {
      if (name === FIRST_USER && this.#fixedKey) {
        throw new UserChangeError("KEY_FIXED", `User "${name}" has a key from the settings; take it out of them first`);
      }
      if (!users.some((user) => user.name === name)) throw unknownUser(name);
      return users.filter((user) => user.name !== name);
    });
  }

  /** Makes a key; the secret is told here and never again. */
  async addKey(name: string): Promise<GeneratedKey> {
    const key = { accessKey: randomAccessKey(), secretKey: randomSecretKey() };
    await this.#changeUser(name, (user) => {
      if (user.keys.length >= KEYS_PER_USER_LIMIT) {
        throw new UserChangeError("TOO_MANY", `User "${name}" has ${KEYS_PER_USER_LIMIT} keys; remove one first`);
      }
      return { ...user, keys: [...user.keys, { ...key, createdMs: this.#nowMs(), isEnabled: true }] };
    });
    return key;
  }

  async enableKey(name: string, accessKey: string, isEnabled: boolean): Promise<void> {
    await this.#changeUser(name, (user) => {
      this.#checkKey(user, accessKey);
      return { ...user, keys: user.keys.map((key) => (key.accessKey === accessKey ? { ...key, isEnabled } : key)) };
    });
  }

  async removeKey(name: string, accessKey: string): Promise<void> {
    await this.#changeUser(name, (user) => {
      this.#checkKey(user, accessKey);
      return { ...user, keys: user.keys.filter((key) => key.accessKey !== accessKey) };
    });
  }

  #find(name: string): StoredUser {
    const user = this.#stored.find((candidate) => candidate.name === name);
    if (!user) throw unknownUser(name);
    return user;
  }

  #checkKey(user: StoredUser, accessKey: string): void {
    if (user.keys.some((key) => key.accessKey === accessKey)) return;
    if (user.name === FIRST_USER && accessKey === this.#fixedKey?.accessKey) {
      throw new UserChangeError("KEY_FIXED", `Key "${accessKey}" comes from the settings; change it there`);
    }
    throw new UserChangeError("KEY_UNKNOWN", `User "${user.name}" has no key "${accessKey}"`);
  }

  #changeUser(name: string, change: (user: StoredUser) => StoredUser): Promise<void> {
    return this.#change((users) => {
      if (!users.some((user) => user.name === name)) throw unknownUser(name);
      return users.map((user) => (user.name === name ? change(user) : user));
    });
  }

  #change(change: (users: readonly StoredUser[]) => StoredUser[]): Promise<void> {
    const result = this.#writing.then(async () => {
      const next = change(this.#stored);
      await this.#write(next);
      this.#apply(next);
    });
    // The next change must not fail because this one did.
    this.#writing = result.catch(() => undefined);
    return result;
  }

  async #write(users: readonly StoredUser[]): Promise<void> {
    await writeFileAtomic(this.#path, `${JSON.stringify({ version: 1, users }, undefined, 2)}\n`, 0o600);
  }

  async #makeFirst(): Promise<GeneratedKey | undefined> {
    const createdMs = this.#nowMs();
    const generated = this.#fixedKey ? undefined : { accessKey: randomAccessKey(), secretKey: randomSecretKey() };
    const first: StoredUser = {
      name: FIRST_USER,
      createdMs,
      isEnabled: true,
      policies: { "full-access": FULL_ACCESS_POLICY },
      limits: {},
      keys: generated ? [{ ...generated, createdMs, isEnabled: true }] : [],
    };
    await this.#write([first]);
    this.#apply([first]);
    return generated;
  }

  #apply(stored: readonly StoredUser[]): void {
    const byKey = new Map<string, KeyHolder>();
    const byName = new Map<string, User>();
    for (const entry of stored) {
      const user = compileUser(entry, this.#path);
      byName.set(user.name, user);
      if (!entry.isEnabled) continue;
      for (const { accessKey, secretKey, isEnabled } of entry.keys) {
        if (isEnabled) byKey.set(accessKey, { user, accessKey, secretKey });
      }
    }
    const first = byName.get(FIRST_USER) ?? compileUser(firstUser(), this.#path);
    if (this.#fixedKey) {
      const { accessKey, secretKey } = this.#fixedKey;
      byKey.set(accessKey, { user: first, accessKey, secretKey });
      byName.set(FIRST_USER, first);
    }
    this.#stored = stored;
    this.#byKey = byKey;
    this.#byName = byName;
    this.#generation += 1;
  }

  #view(user: StoredUser): UserView {
    const { keys, limits, ...rest } = user;
    const shown = keys.map(({ accessKey, createdMs, isEnabled }) => ({
      accessKey,
      createdMs,
      isEnabled,
      isFixed: false,
    }));
    if (this.#fixedKey && user.name === FIRST_USER) {
      const { accessKey, createdMs } = this.#fixedKey;
      shown.push({ accessKey, createdMs, isEnabled: true, isFixed: true });
    }
    return { ...rest, limits, keys: shown };
  }
}

function changed(user: StoredUser, change: UserChange): StoredUser {
  const policies = change.policies ?? user.policies;
  if (Object.keys(policies).length > POLICIES_PER_USER_LIMIT) {
    throw new UserChangeError("TOO_MANY", `A user has at most ${POLICIES_PER_USER_LIMIT} policies`);
  }
  for (const [name, text] of Object.entries(policies)) {
    const policy = readUserPolicy(text);
    if (typeof policy === "string") throw new UserChangeError("USER_INVALID", `Policy "${name}": ${policy}`);
  }
  return { ...user, policies, limits: change.limits ?? user.limits, isEnabled: change.isEnabled ?? user.isEnabled };
}

function readUserPolicy(text: string): Policy | string {
  try {
    return readPolicy(text, undefined);
  } catch (error) {
    if (error instanceof S3Error) return error.message;
    throw error;
  }
}

function compileUser(stored: StoredUser, path: string): User {
  const policies = Object.entries(stored.policies).map(([name, text]) => {
    const policy = readUserPolicy(text);
    if (typeof policy !== "string") return policy;
    throw new ObjectsError(
      "USERS_INVALID",
      `Cannot use policy "${name}" of user "${stored.name}" in ${path}: ${policy}. Correct it there`,
    );
  });
  return { name: stored.name, policies, mayEverything: mayEverything(policies), limits: stored.limits };
}

function mayEverything(policies: readonly Policy[]): boolean {
  const statements = policies.flatMap((policy) => policy.statements);
  return (
    statements.every(({ effect }) => effect === "Allow") &&
    statements.some(
      ({ actions, resources, conditions }) =>
        conditions.length === 0 && resources.includes("*") && (actions.includes("s3:*") || actions.includes("*")),
    )
  );
}

/** Stands in when the file has lost the first user but the settings name a key of it. */
function firstUser(): StoredUser {
  return {
    name: FIRST_USER,
    createdMs: 0,
    isEnabled: true,
    policies: { "full-access": FULL_ACCESS_POLICY },
    limits: {},
    keys: [],
  };
}

function checkFixedKey({ accessKey, secretKey }: UsersOptions): void {
  if (accessKey === "" && secretKey === "") return;
  if (!ACCESS_KEY.test(accessKey) || secretKey.length < SECRET_MIN_CHARACTERS) {
    throw new ObjectsError(
      "USERS_INVALID",
      `Cannot use the access key of the settings: give both accessKey (3 to 128 letters and digits) and secretKey ` +
        `(${SECRET_MIN_CHARACTERS} characters or more), or neither to have a key made`,
    );
  }
}

function unknownUser(name: string): UserChangeError {
  return new UserChangeError("USER_UNKNOWN", `There is no user "${name}"`);
}
