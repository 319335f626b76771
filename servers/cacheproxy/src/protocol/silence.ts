import { CommandId, ReplyCode } from "./codes.ts";

/**
 * Whether the reply to a quiet request is kept from the client. `noreply` silences everything, errors too; `q` of the
 * meta commands what 1.6.18 silences: `EN` of `mg`, and success of `ms`, `md` and `ma`.
 *
 * @param command `CommandId` of a text or meta request.
 * @param code `ReplyCode` of what the server said.
 */
export function isSilenced(command: number, code: number): boolean {
  switch (command) {
    case CommandId.MG:
      return code === ReplyCode.EN;
    case CommandId.MS:
    case CommandId.MD:
      return code === ReplyCode.HD;
    case CommandId.MA:
      return code === ReplyCode.HD || code === ReplyCode.VA;
    case CommandId.ME:
      return false;
    default:
      return true;
  }
}
