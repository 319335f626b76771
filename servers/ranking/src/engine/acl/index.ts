// Users

export { AclLog, type AclLogContext, type AclLogEntry, type AclLogReason } from "./acl-log.ts";
// Replies of the ACL command
export {
  type AclReply,
  categoryReply,
  dryRunReply,
  type FindAccess,
  generatePasswordReply,
  getUserReply,
  logReply,
} from "./acl-replies.ts";
// Byte text
export { bytesOfText, byteText } from "./byte-text.ts";
// What the command table supplies
export { ACL_CATEGORIES, type AclCatalogue, type AclCommand } from "./catalogue.ts";
// Checks of commands, keys and channels
export {
  type AccessList,
  ALLOWED,
  allowsReadingAnyKey,
  type CommandArguments,
  checkChannel,
  checkCommand,
  checkKey,
  DENIED_CHANNEL,
  DENIED_COMMAND,
  DENIED_KEY,
  denialArgument,
  denialKind,
  isWithinChannels,
} from "./check.ts";
// What errors say
export {
  denialText,
  NO_PASSWORD_SET,
  NOT_AUTHENTICATED,
  revokedText,
  scriptDenialReason,
  WRONG_PASSWORD,
} from "./denials.ts";
export { type AclLimits, DEFAULT_ACL_LIMITS } from "./rule-faults.ts";
export { type ChannelPattern, READ_ACCESS, WRITE_ACCESS } from "./selector.ts";
export type { HashPassword, RuleContext, User } from "./user.ts";
// Files
export { declareUsers, formatUserFile, type LoadResult, loadUserFile, type UserDeclaration } from "./user-file.ts";
export {
  type AclOptions,
  AclUsers,
  type AuthenticateResult,
  type DeleteUsersResult,
  type SetUserResult,
} from "./users.ts";
