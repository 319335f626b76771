import { HttpError } from "@kagami/kit";
import type { Access, AccessRefusal, Peer } from "../channels/access.ts";
import type { ChannelSettings } from "../channels/channel-store.ts";

const STATUS: Readonly<Record<AccessRefusal, number>> = {
  KEY_UNKNOWN: 401,
  CHANNEL_NOT_FOUND: 404,
  PLAY_TOKEN_REFUSED: 403,
  HOOK_REFUSED: 403,
};

/**
 * Lets a viewer of an HTTP delivery in.
 *
 * @throws HttpError if the channel does not exist or may not be watched.
 */
export async function admitViewer(
  access: Access,
  name: string,
  token: string | undefined,
  peer: Peer,
  isAdmitted = false,
): Promise<ChannelSettings> {
  const admission = await access.mayPlay(name, token, peer, isAdmitted);
  if (admission.isAllowed) return admission.settings;
  throw new HttpError(STATUS[admission.reason], admission.reason, admission.message);
}
