import "../styles/studio.css";
import "../styles/privacy.css";
import { useSignal } from "@preact/signals";
import { useEffect, useMemo } from "preact/hooks";
import { ApiError, StudioClient } from "../api/client.ts";
import type { Health, StudioChannel } from "../api/types.ts";
import { usePoll } from "../ui/poll.ts";
import { BroadcastHeader } from "./broadcast-header.tsx";
import { ChannelSettings } from "./channel-settings.tsx";
import { ConnectionPanel } from "./connection-panel.tsx";
import { HealthPanel } from "./health-panel.tsx";
import { Preview } from "./preview.tsx";
import { PrivacyPanel } from "./privacy-panel.tsx";
import { restoreSession, sessionKey, signOut } from "./session.ts";
import { SignIn } from "./sign-in.tsx";

const HEALTH_MS = 1_000;
const CHANNEL_MS = 10_000;

/** `/studio`: the streamer's own page, behind the stream key. */
export function StudioPage() {
  const refusal = useSignal<string | undefined>(undefined);
  useEffect(() => restoreSession(), []);
  const key = sessionKey.value;
  if (key === undefined) return <SignIn refusal={refusal.value} />;
  return (
    <Dashboard
      studioKey={key}
      onRefused={(message) => {
        refusal.value = message;
        signOut();
      }}
    />
  );
}

function Dashboard({ studioKey, onRefused }: { studioKey: string; onRefused: (message: string) => void }) {
  const client = useMemo(() => new StudioClient(studioKey), [studioKey]);
  const channel = useSignal<StudioChannel | undefined>(undefined);
  const health = useSignal<Health | undefined>(undefined);
  const problem = useSignal<string | undefined>(undefined);
  const ask = async (question: () => Promise<void>): Promise<boolean> => {
    try {
      await question();
      problem.value = undefined;
      return true;
    } catch (error) {
      // An answer to a key that was rotated meanwhile says nothing about the new one.
      if (!(error instanceof ApiError) || sessionKey.value !== client.key) return false;
      if (error.status === 401) onRefused("This stream key is not valid, or has been replaced by a new one");
      else problem.value = error.message;
      return false;
    }
  };
  usePoll(
    () =>
      ask(async () => {
        channel.value = await client.channel();
      }),
    CHANNEL_MS,
    client,
  );
  usePoll(
    () =>
      ask(async () => {
        health.value = await client.health();
      }),
    HEALTH_MS,
    client,
  );
  if (channel.value === undefined) {
    return <p class="page-note">{problem.value ?? "Opening the studio"}</p>;
  }
  return (
    <div class="page studio">
      <BroadcastHeader channel={channel.value} health={health.value} client={client} />
      {problem.value !== undefined && (
        <p class="notice notice-error" role="alert">
          {problem.value}. The studio tries again by itself.
        </p>
      )}
      <div class="studio-columns">
        <div class="studio-main">
          <Preview channel={channel.value} client={client} />
          <PrivacyPanel channel={channel.value} client={client} />
          <HealthPanel health={health.value} />
        </div>
        <div class="studio-side">
          <ConnectionPanel channel={channel.value} client={client} />
          <ChannelSettings
            channel={channel.value}
            client={client}
            onChanged={(changed) => {
              channel.value = changed;
            }}
          />
        </div>
      </div>
    </div>
  );
}
