import { useSignal } from "@preact/signals";
import type { StudioClient } from "../api/client.ts";
import type { Health, StudioChannel } from "../api/types.ts";
import { ConfirmDialog } from "../ui/confirm-dialog.tsx";
import { CopyButton } from "../ui/copy-button.tsx";
import { formatCount, formatDuration } from "../ui/format.ts";
import { signOut } from "./session.ts";

interface BroadcastHeaderProps {
  readonly channel: StudioChannel;
  readonly health: Health | undefined;
  readonly client: StudioClient;
}

/** State of the broadcast at a glance, and the two ways out of it. */
export function BroadcastHeader({ channel, health, client }: BroadcastHeaderProps) {
  const isAsking = useSignal(false);
  const problem = useSignal<string | undefined>(undefined);
  const isLive = health?.isLive ?? channel.isLive;
  const isInterrupted = health?.isInterrupted ?? channel.isInterrupted;
  const state = isInterrupted ? "Encoder away" : isLive ? "Live" : "Offline";
  const stop = async () => {
    isAsking.value = false;
    try {
      await client.stopBroadcast();
    } catch (error) {
      problem.value = error instanceof Error ? error.message : String(error);
    }
  };
  return (
    <header class="broadcast">
      <div class="broadcast-title">
        <p class="broadcast-state" aria-live="polite">
          <span class={isInterrupted ? "badge badge-warning" : isLive ? "badge badge-live" : "badge"}>{state}</span>
        </p>
        <h1>{channel.title === "" ? channel.name : channel.title}</h1>
        <a href={channel.watchPath}>{channel.watchPath}</a>
      </div>
      <dl class="broadcast-figures">
        <div>
          <dt>On air</dt>
          <dd class="mono">{isLive && health !== undefined ? formatDuration(health.uptimeMs) : "–"}</dd>
        </div>
        <div>
          <dt>Viewers</dt>
          <dd class="mono">{formatCount(health?.viewerCount ?? channel.viewerCount)}</dd>
        </div>
      </dl>
      <div class="broadcast-actions">
        <CopyButton text={new URL(channel.watchPath, location.origin).href} label="Copy watch link" isWordy />
        <button
          type="button"
          class="button button-danger"
          disabled={!isLive}
          onClick={() => {
            isAsking.value = true;
          }}
        >
          Stop broadcast
        </button>
        <button type="button" class="button" onClick={() => signOut()}>
          Sign out
        </button>
      </div>
      {problem.value !== undefined && (
        <p class="notice notice-error" role="alert">
          {problem.value}
        </p>
      )}
      <ConfirmDialog
        isOpen={isAsking.value}
        title="Stop the broadcast?"
        text="The encoder is asked to leave and every viewer sees that the broadcast has ended."
        confirmLabel="Stop broadcast"
        onConfirm={() => void stop()}
        onCancel={() => {
          isAsking.value = false;
        }}
      />
    </header>
  );
}
