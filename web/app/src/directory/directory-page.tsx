import { useSignal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import { ApiError, fetchLiveChannels, fetchServer } from "../api/client.ts";
import type { Channel, ServerInfo } from "../api/types.ts";
import { usePoll } from "../ui/poll.ts";
import { ChannelCard } from "./channel-card.tsx";
import { StartHelp } from "./start-help.tsx";

const POLL_MS = 5_000;

/** `/`: who is live now, or how to be the first. */
export function DirectoryPage() {
  const channels = useSignal<readonly Channel[] | undefined>(undefined);
  const server = useSignal<ServerInfo | undefined>(undefined);
  const problem = useSignal<string | undefined>(undefined);
  useEffect(() => {
    document.title = "Live now · Kagami";
  }, []);
  usePoll(
    async () => {
      try {
        server.value ??= await fetchServer();
        channels.value = await fetchLiveChannels();
        problem.value = undefined;
        return true;
      } catch (error) {
        problem.value = error instanceof ApiError ? error.message : String(error);
        return false;
      }
    },
    POLL_MS,
    0,
  );
  const list = channels.value;
  return (
    <div class="page">
      <header class="page-head">
        <h1>Live now</h1>
        {list !== undefined && list.length > 0 && (
          <p class="page-count">
            {list.length} {list.length === 1 ? "channel" : "channels"}
          </p>
        )}
      </header>
      {problem.value !== undefined && (
        <p class="notice notice-error" role="alert">
          {problem.value}. The page tries again by itself.
        </p>
      )}
      {list === undefined && problem.value === undefined && <CardSkeletons />}
      {list !== undefined && list.length > 0 && (
        <ul class="cards">
          {list.map((channel) => (
            <li key={channel.name}>
              <ChannelCard channel={channel} />
            </li>
          ))}
        </ul>
      )}
      {list?.length === 0 && <StartHelp server={server.value} />}
    </div>
  );
}

function CardSkeletons() {
  return (
    <ul class="cards" aria-busy="true" aria-label="Loading channels">
      {[0, 1, 2].map((index) => (
        <li key={index} class="card card-skeleton" />
      ))}
    </ul>
  );
}
