import type { Channel } from "../channels/channel.ts";
import type { ChannelSettings } from "../channels/channel-store.ts";
import { type PrivacyStatusView, STATUS_OFF } from "../channels/privacy-status.ts";
import type { IngestWarning } from "../engine/ingest-stats.ts";

/** `Privacy` of API.md. */
export function describePrivacy(
  { privacy: settings }: ChannelSettings,
  channel: Channel | undefined,
  unavailableReason: string | undefined,
): object {
  return {
    isAvailable: unavailableReason === undefined,
    unavailableReason: unavailableReason ?? null,
    settings,
    status: privacyStatus(settings.isEnabled, channel),
  };
}

/** What the filter of a channel does just now. While it is being switched off it still protects, and says so. */
function privacyStatus(isEnabled: boolean, channel: Channel | undefined): PrivacyStatusView {
  const run = channel?.broadcast?.privacy;
  if (run && !run.isDone) return run.status;
  return isEnabled ? { ...STATUS_OFF, state: "waiting" } : STATUS_OFF;
}

/** What the health page says of the filter. */
export function privacyWarnings(
  { privacy: settings }: ChannelSettings,
  channel: Channel | undefined,
  unavailableReason: string | undefined,
): IngestWarning[] {
  if (!settings.isEnabled || !channel?.isLive) return [];
  if (unavailableReason !== undefined) {
    const message = `The notification blur is on, but cannot run here: ${unavailableReason}`;
    return [{ code: "PRIVACY_UNAVAILABLE", severity: "error", message }];
  }
  const { state, message } = privacyStatus(true, channel);
  if (state !== "failed") return [];
  return [{ code: "PRIVACY_FAILED", severity: "error", message: `The notification blur has failed: ${message ?? ""}` }];
}
