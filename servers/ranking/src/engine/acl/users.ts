import { bytesOfText, hasSpaces, untilZero } from "./byte-text.ts";
import { type AclCatalogue, CommandIndex } from "./catalogue.ts";
import { NO_PASSWORD_SET, WRONG_PASSWORD } from "./denials.ts";
import { describeUser } from "./describe.ts";
import { mergeSelectors } from "./merge-selectors.ts";
import { type AclLimits, DEFAULT_ACL_LIMITS, ruleFaultText } from "./rule-faults.ts";
import type { ChannelPattern } from "./selector.ts";
import { type HashPassword, type RuleContext, User } from "./user.ts";

/** What {@link AclUsers} is made from. */
export interface AclOptions {
  readonly catalogue: AclCatalogue;
  readonly hashPassword: HashPassword;
  readonly limits?: Partial<AclLimits>;
  /** The setting `acl-pubsub-default`; Redis 7 has `resetchannels`, which is `false`. */
  readonly allowsChannelsByDefault?: boolean;
}

/** What ACL SETUSER did. `error` is the error reply without the leading `-`, byte text; then nothing has changed. */
export type SetUserResult =
  | { readonly error: string }
  | {
      readonly error?: undefined;
      readonly user: User;
      /**
       * Present when the user lost channels: sessions of this user that subscribe to what is not within these patterns
       * (see {@link isWithinChannels}; a subscribed pattern counts as one) must be closed.
       */
      readonly keptChannels?: readonly ChannelPattern[];
    };

/** What ACL DELUSER did: sessions of the removed users must be closed. `error` is as in {@link SetUserResult}. */
export type DeleteUsersResult =
  | { readonly error: string }
  | { readonly error?: undefined; readonly removed: readonly User[] };

/** Who logged in, or the error reply without the leading `-`. */
export type AuthenticateResult = { readonly user: User } | { readonly user?: undefined; readonly error: string };

/**
 * All users by name. There is always one called `default`, and it is always the same object. Users are changed in place
 * and whole: rules are tried on a copy, and only if all are good does the user take over the copy's state.
 */
export class AclUsers {
  readonly context: RuleContext;
  readonly defaultUser: User;
  #users = new Map<string, User>();
  #allowsChannelsByDefault: boolean;

  constructor(options: AclOptions) {
    this.#allowsChannelsByDefault = options.allowsChannelsByDefault ?? false;
    const isAllowed = () => this.#allowsChannelsByDefault;
    this.context = {
      index: new CommandIndex(options.catalogue),
      limits: { ...DEFAULT_ACL_LIMITS, ...options.limits },
      hashPassword: options.hashPassword,
      get allowsChannelsByDefault() {
        return isAllowed();
      },
    };
    this.defaultUser = this.createDefault();
    this.#users.set("default", this.defaultUser);
  }

  get count(): number {
    return this.#users.size;
  }

  /** The setting `acl-pubsub-default`: holds for users and selectors made from now on. */
  set allowsChannelsByDefault(isAllowed: boolean) {
    this.#allowsChannelsByDefault = isAllowed;
  }

  /** @param name Byte text, compared exactly. */
  find(name: string): User | undefined {
    return this.#users.get(name);
  }

  /** In the order of ACL LIST and ACL USERS: by the bytes of their names. */
  sorted(): User[] {
    return [...this.#users.values()].sort((a, b) => (a.name < b.name ? -1 : 1));
  }

  /** The lines of ACL LIST, byte text. */
  lines(): string[] {
    return this.sorted().map((user) => describeUser(user, this.context.index));
  }

  /** ACL SETUSER: all rules or none. Name and rules are byte text. */
  setUser(name: string, rules: readonly string[]): SetUserResult {
    const { limits } = this.context;
    if (hasSpaces(name)) return { error: "ERR Usernames can't contain spaces or null characters" };
    const existing = this.#users.get(name);
    const refused = this.#limitError(name, rules, existing);
    if (refused !== undefined) return { error: refused };
    const merged = mergeSelectors(rules);
    if (merged.unclosed !== undefined) {
      const rule = untilZero(rules[merged.unclosed] ?? "");
      return { error: errorLine(`ERR Unmatched parenthesis in acl selector starting at '${rule}'.`) };
    }
    const staged = new User(name, this.context);
    if (existing !== undefined) staged.copyFrom(existing);
    for (const rule of merged.rules) {
      const fault = staged.apply(rule, this.context);
      if (fault === undefined) continue;
      const text = ruleFaultText(fault, limits);
      return { error: errorLine(`ERR Error in ACL SETUSER modifier '${untilZero(rule)}': ${text}`) };
    }
    if (existing === undefined) {
      staged.settle();
      this.#users.set(name, staged);
      return { user: staged };
    }
    const keptChannels = keptAfterLoss(existing, staged);
    existing.copyFrom(staged);
    return keptChannels === undefined ? { user: existing } : { user: existing, keptChannels };
  }

  /** ACL DELUSER: names that nobody has are passed over; if `default` is among them nobody is deleted. */
  deleteUsers(names: readonly string[]): DeleteUsersResult {
    if (names.some((name) => untilZero(name) === "default")) {
      return { error: "ERR The 'default' user cannot be removed" };
    }
    const removed: User[] = [];
    for (const name of names) {
      const user = this.#users.get(name);
      if (user === undefined) continue;
      this.#users.delete(name);
      removed.push(user);
    }
    return { removed };
  }

  /** The setting `requirepass`: the default user's only password; `undefined` or none is no password needed. */
  setDefaultPassword(password: Uint8Array | undefined): void {
    this.defaultUser.apply("resetpass", this.context);
    if (password === undefined || password.length === 0) {
      this.defaultUser.apply("nopass", this.context);
    } else {
      this.defaultUser.passwords = [this.context.hashPassword(password)];
    }
    this.defaultUser.settle();
  }

  /** Whether a session that has not logged in must do so first: then only commands that are always allowed may run. */
  get isLoginNeeded(): boolean {
    return !this.defaultUser.needsNoPassword || !this.defaultUser.isEnabled;
  }

  /**
   * AUTH and HELLO AUTH.
   *
   * @param name `undefined` for AUTH with a password only, which means the default user. A failure other than
   *   {@link NO_PASSWORD_SET} is to be logged as `auth`, with this name.
   */
  authenticate(name: string | undefined, password: Uint8Array): AuthenticateResult {
    if (name === undefined && this.defaultUser.needsNoPassword) return { error: NO_PASSWORD_SET };
    const user = this.#users.get(name ?? "default");
    // Hashed for users that are not there or may not log in too, so that the time does not tell them apart.
    const hash = this.context.hashPassword(password);
    const isRight = hasPassword(user?.passwords ?? [], hash);
    if (user?.isEnabled && (user.needsNoPassword || isRight)) return { user };
    return { error: WRONG_PASSWORD };
  }

  /** A user as `default` is when nothing is configured: it may do everything and needs no password. */
  createDefault(): User {
    const user = new User("default", this.context);
    for (const rule of ["+@all", "~*", "&*", "on", "nopass"]) user.apply(rule, this.context);
    user.settle();
    return user;
  }

  /**
   * Takes these users in place of all there are. `default` keeps its object and takes over the new state.
   *
   * @returns The former users, whose sessions must be closed even if a user of that name is there again.
   */
  replaceAll(users: readonly User[]): User[] {
    const removed = this.sorted().filter((user) => user !== this.defaultUser);
    const given = users.find((user) => user.name === "default");
    this.defaultUser.copyFrom(given ?? this.createDefault());
    this.#users = new Map([["default", this.defaultUser]]);
    for (const user of users) {
      if (user !== given) this.#users.set(user.name, user);
    }
    return removed;
  }

  #limitError(name: string, rules: readonly string[], existing: User | undefined): string | undefined {
    const { limits } = this.context;
    if (existing === undefined && this.#users.size >= limits.users) {
      return errorLine(
        `ERR Cannot create user '${name}': there are ${limits.users} users already, the most there may be. Delete some with ACL DELUSER`,
      );
    }
    const ruleBytes = rules.reduce((sum, rule) => sum + rule.length, 0);
    if (ruleBytes <= limits.ruleBytes) return undefined;
    return errorLine(
      `ERR Cannot set user '${name}': its rules have ${ruleBytes} bytes, more than ${limits.ruleBytes}. Give them in several ACL SETUSER`,
    );
  }
}

/** An error reply is one line: as in Redis, ends of lines in what was quoted become spaces. */
function errorLine(text: string): string {
  return text.replace(/[\r\n]/g, " ");
}

/** All hashes are compared, each to its end: neither the place of a difference nor which password fits shows in time. */
function hasPassword(passwords: readonly string[], hash: string): boolean {
  const given = bytesOfText(hash);
  let found = 0;
  for (const password of passwords) {
    let difference = password.length ^ given.length;
    for (let i = 0; i < given.length; i++) difference |= password.charCodeAt(i) ^ given[i]!;
    found |= difference === 0 ? 1 : 0;
  }
  return found === 1;
}

/** The channels that are left, if some of the former ones are not among them. */
function keptAfterLoss(before: User, after: User): ChannelPattern[] | undefined {
  const selectors = [after.root, ...after.others];
  if (selectors.some((selector) => selector.allowsAllChannels)) return undefined;
  const kept = selectors.flatMap((selector) => selector.channelPatterns);
  const texts = new Set(kept.map((pattern) => pattern.text));
  const hasLost = [before.root, ...before.others].some(
    (selector) => selector.allowsAllChannels || selector.channelPatterns.some(({ text }) => !texts.has(text)),
  );
  return hasLost ? kept : undefined;
}
