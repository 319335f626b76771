import { join } from "node:path";
import { FileError, readJsonFile, writeFileAtomic } from "@kagami/kit";
import { ObjectsError } from "../errors.ts";
import { randomAccessKey, randomSecretKey } from "./random-keys.ts";
import {
  ACCESS_KEY,
  KEYS_PER_USER_LIMIT,
  SECRET_MIN_CHARACTERS,
  type StoredKey,
  type StoredUser,
  USER_LIMIT,
  USER_NAME,
  type UserView,
  usersFileSchema,
  viewOf,
} from "./stored-users.ts";
import { changedUser, type UserChange, UserChangeError } from "./user-changes.ts";
import { compileUser, FULL_ACCESS_POLICY, type User } from "./user-rights.ts";

/** Who has an access key. */
export interface KeyHolder {
  readonly user: User;
  readonly accessKey: string;
  readonly secretKey: string;
}

/** How {@link Users} are opened. */
export interface UsersOptions {
  readonly directory: string;
  /** A key of the first user, from the settings; both empty if not given. It is never written to the file. */
  readonly accessKey: string;
  readonly secretKey: string;
  readonly nowMs: () => number;
  /** Of a replica: where its users come from. They are changed there, and none is made here. */
  readonly source?: string;
}

/** The first user's key that was made at this start; to be shown once. */
export interface GeneratedKey {
  readonly accessKey: string;
  readonly secretKey: string;
}

/** Who comes in with the key of the settings, or with the one that is made at the first start. */
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
  readonly #source: string | undefined;
  #stored: readonly StoredUser[] = [];
  #byKey = new Map<string, KeyHolder>();
  #byName = new Map<string, User>();
  #generation = 0;
  #writing: Promise<unknown> = Promise.resolve();

  private constructor(options: UsersOptions) {
    this.#path = join(options.directory, "users.json");
    this.#nowMs = options.nowMs;
    this.#source = options.source;
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
      const file = await readJsonFile(users.#path, usersFileSchema);
      users.#apply(file.users);
    } catch (error) {
      if (!(error instanceof FileError && error.code === "FILE_MISSING")) throw error;
      if (options.source === undefined) generated = await users.#makeFirst();
      else users.#apply([]);
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
      return [...users, changedUser(newUser(name, this.#nowMs()), change)];
    });
    return this.view(name);
  }

  async update(name: string, change: UserChange): Promise<UserView> {
    await this.#changeUser(name, (user) => changedUser(user, change));
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

  /** All of them with their secrets, for a replica; without the key of the settings. */
  exported(): string {
    return fileText(this.#stored);
  }

  /** Of a replica: takes what {@link Users.exported} of the source said. @throws ObjectsError `USERS_INVALID`, FileError */
  async replaceAll(text: string): Promise<void> {
    const { users } = readExported(text);
    for (const user of users) compileUser(user, "what the source sent");
    const result = this.#writing.then(async () => {
      await this.#write(users);
      this.#apply(users);
    });
    this.#writing = result.catch(() => undefined);
    await result;
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
      if (this.#source !== undefined) {
        throw new UserChangeError("READ_ONLY", `This is a replica of ${this.#source}. Change users there`);
      }
      const next = change(this.#stored);
      await this.#write(next);
      this.#apply(next);
    });
    // The next change must not fail because this one did.
    this.#writing = result.catch(() => undefined);
    return result;
  }

  async #write(users: readonly StoredUser[]): Promise<void> {
    await writeFileAtomic(this.#path, fileText(users), 0o600);
  }

  async #makeFirst(): Promise<GeneratedKey | undefined> {
    const first = firstUser(this.#nowMs());
    const generated = this.#fixedKey ? undefined : { accessKey: randomAccessKey(), secretKey: randomSecretKey() };
    if (generated) first.keys.push({ ...generated, createdMs: first.createdMs, isEnabled: true });
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
    if (this.#fixedKey) {
      const { accessKey, secretKey, createdMs } = this.#fixedKey;
      // The file may have lost the user to whom the settings give a key.
      const first = byName.get(FIRST_USER) ?? compileUser(firstUser(createdMs), this.#path);
      byKey.set(accessKey, { user: first, accessKey, secretKey });
      byName.set(FIRST_USER, first);
    }
    this.#stored = stored;
    this.#byKey = byKey;
    this.#byName = byName;
    this.#generation += 1;
  }

  #view(user: StoredUser): UserView {
    return viewOf(user, user.name === FIRST_USER ? this.#fixedKey : undefined);
  }
}

function fileText(users: readonly StoredUser[]): string {
  return `${JSON.stringify({ version: 1, users }, undefined, 2)}\n`;
}

function readExported(text: string) {
  try {
    return usersFileSchema.parse(JSON.parse(text));
  } catch (cause) {
    throw new ObjectsError("USERS_INVALID", "Cannot read the users that the source sent. Run the same version there", {
      cause,
    });
  }
}

function newUser(name: string, createdMs: number): StoredUser {
  return { name, createdMs, isEnabled: true, policies: {}, limits: {}, keys: [] };
}

function firstUser(createdMs: number): StoredUser {
  return { ...newUser(FIRST_USER, createdMs), policies: { "full-access": FULL_ACCESS_POLICY } };
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
