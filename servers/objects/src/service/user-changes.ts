import type { RateLimits } from "../engine/limits/rate-limits.ts";
import type { StoredUser } from "./stored-users.ts";
import { readUserPolicy } from "./user-rights.ts";

const POLICIES_PER_USER_LIMIT = 20;

/** What of a user changes; what is absent stays. */
export interface UserChange {
  readonly isEnabled?: boolean | undefined;
  /** By name, as text; replaces all. */
  readonly policies?: Readonly<Record<string, string>> | undefined;
  readonly limits?: RateLimits | undefined;
}

/** Why a change of users is refused. `code` is API. */
export class UserChangeError extends Error {
  override readonly name = "UserChangeError";
  readonly code:
    | "USER_UNKNOWN"
    | "USER_EXISTS"
    | "USER_INVALID"
    | "KEY_UNKNOWN"
    | "KEY_FIXED"
    | "TOO_MANY"
    | "READ_ONLY";

  constructor(code: UserChangeError["code"], message: string) {
    super(message);
    this.code = code;
  }
}

/** The user with the change. @throws UserChangeError `TOO_MANY`, `USER_INVALID` */
export function changedUser(user: StoredUser, change: UserChange): StoredUser {
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
