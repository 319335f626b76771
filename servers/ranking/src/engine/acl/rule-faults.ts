/** How much one server's users may hold. All counts are the most that is accepted. */
export interface AclLimits {
  readonly users: number;
  /** Bytes of all rules of one ACL SETUSER, or of one line of an ACL file. */
  readonly ruleBytes: number;
  /** Key patterns, channel patterns and allowed first arguments of one user, over all its selectors. */
  readonly patternsPerUser: number;
  readonly passwordsPerUser: number;
  readonly selectorsPerUser: number;
  /** Bytes of an ACL file. */
  readonly fileBytes: number;
}

/** What {@link AclUsers} holds to unless told otherwise. Redis has none of these limits. */
export const DEFAULT_ACL_LIMITS: AclLimits = {
  users: 10_000,
  ruleBytes: 1_048_576,
  patternsPerUser: 1_024,
  passwordsPerUser: 128,
  selectorsPerUser: 64,
  fileBytes: 67_108_864,
};

/** Why a rule is refused. */
export type RuleFault =
  | "unknown-name"
  | "syntax"
  | "after-all-keys"
  | "after-all-channels"
  | "no-such-password"
  | "bad-hash"
  | "first-argument-of-subcommand"
  | "too-many-patterns"
  | "too-many-passwords"
  | "too-many-selectors";

const AFTER_ALL = "is not valid and does not have any effect. Try";

/** The text that Redis 7.0.15 gives for a fault, and ours for the limits that it lacks. */
export function ruleFaultText(fault: RuleFault, limits: AclLimits): string {
  switch (fault) {
    case "unknown-name":
      return "Unknown command or category name in ACL";
    case "syntax":
      return "Syntax error";
    case "after-all-keys":
      return `Adding a pattern after the * pattern (or the 'allkeys' flag) ${AFTER_ALL} 'resetkeys' to start with an empty list of patterns`;
    case "after-all-channels":
      return `Adding a pattern after the * pattern (or the 'allchannels' flag) ${AFTER_ALL} 'resetchannels' to start with an empty list of channels`;
    case "no-such-password":
      return "The password you are trying to remove from the user does not exist";
    case "bad-hash":
      return "The password hash must be exactly 64 characters and contain only lowercase hexadecimal characters";
    case "first-argument-of-subcommand":
      return "Allowing first-arg of a subcommand is not supported";
    case "too-many-patterns":
      return `A user may have ${limits.patternsPerUser} patterns. Try 'resetkeys' or 'resetchannels' first, or wider patterns`;
    case "too-many-passwords":
      return `A user may have ${limits.passwordsPerUser} passwords. Try '<password', '!hash' or 'resetpass' first`;
    case "too-many-selectors":
      return `A user may have ${limits.selectorsPerUser} selectors. Try 'clearselectors' first`;
    default:
      return fault satisfies never;
  }
}
