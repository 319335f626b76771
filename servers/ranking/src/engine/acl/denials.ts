import { untilZero } from "./byte-text.ts";
import { ALLOWED, DENIED_CHANNEL, DENIED_KEY, denialKind } from "./check.ts";

/** What an error reply says, without the leading `-`; byte text. */
export const WRONG_PASSWORD = "WRONGPASS invalid username-password pair or user is disabled.";
/** To a session that has yet to log in. */
export const NOT_AUTHENTICATED = "NOAUTH Authentication required.";
/** To AUTH with a password only, when the default user has none. */
export const NO_PASSWORD_SET =
  "ERR AUTH <password> called without any password configured for the default user. Are you sure your configuration is correct?";

/**
 * The error reply to a command that {@link checkCommand} denied, without the leading `-`.
 *
 * @param commandName The full name, as `config|set`.
 */
export function denialText(denial: number, commandName: string): string {
  const start = "NOPERM this user has no permissions to";
  switch (denialKind(denial)) {
    case DENIED_KEY:
      return `${start} access one of the keys used as arguments`;
    case DENIED_CHANNEL:
      return `${start} access one of the channels used as arguments`;
    default:
      return `${start} run the '${commandName}' command`;
  }
}

/** Why a script may not run a command: `The user executing the script ` comes before it. */
export function scriptDenialReason(denial: number): string {
  switch (denialKind(denial)) {
    case DENIED_KEY:
      return "can't access at least one of the keys mentioned in the command arguments";
    case DENIED_CHANNEL:
      return "can't publish to the channel mentioned in the command";
    default:
      return "can't run this command or subcommand";
  }
}

/** What EXEC replies for a queued command that is not allowed any more, without the leading `-`. */
export function revokedText(denial: number): string {
  return (
    "NOPERM ACLs rules changed between the moment the transaction was accumulated and the EXEC call. " +
    `This command is no longer allowed for the following reason: ${revokedReason(denial)}`
  );
}

function revokedReason(denial: number): string {
  switch (denialKind(denial)) {
    case DENIED_KEY:
      return "no permission to touch the specified keys";
    case DENIED_CHANNEL:
      return "no permission to access one of the channels used as arguments";
    default:
      return "no permission to execute the command or subcommand";
  }
}

/**
 * What ACL DRYRUN answers: a bulk text for a denial.
 *
 * @param object The key or channel that was denied; byte text.
 * @returns `undefined` when the command is allowed: then the reply is `+OK`.
 */
export function dryRunText(denial: number, commandName: string, object: string): string | undefined {
  const start = "This user has no permissions to";
  const kind = denialKind(denial);
  if (kind === ALLOWED) return undefined;
  if (kind === DENIED_KEY) return `${start} access the '${untilZero(object)}' key`;
  if (kind === DENIED_CHANNEL) return `${start} access the '${untilZero(object)}' channel`;
  return `${start} run the '${commandName}' command`;
}
