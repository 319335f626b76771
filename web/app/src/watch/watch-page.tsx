import { useSignal } from "@preact/signals";
import { useEffect, useState } from "preact/hooks";
import { ApiError, fetchChannel } from "../api/client.ts";
import type { Channel } from "../api/types.ts";
import { parseMode } from "../player/ladder.ts";
import type { Player } from "../player/player.ts";
import { CopyButton } from "../ui/copy-button.tsx";
import { formatCodec, formatCount, formatDuration, formatFps, formatResolution } from "../ui/format.ts";
import { Icon } from "../ui/icon.tsx";
import { usePoll } from "../ui/poll.ts";
import { PlayerStage } from "./player-stage.tsx";

const POLL_MS = 10_000;

/** `/watch/{name}`: one channel. `?token=` opens a private one, `?mode=` forces a way to play. */
export function WatchPage({ name }: { name: string }) {
  const [query] = useState(() => new URLSearchParams(location.search));
  const token = query.get("token") ?? undefined;
  const channel = useSignal<Channel | undefined>(undefined);
  const player = useSignal<Player | undefined>(undefined);
  usePoll(
    async () => {
      try {
        channel.value = await fetchChannel(name, token);
        return true;
      } catch (error) {
        // A channel that is not there (yet) is an answer; the stage says so.
        return error instanceof ApiError && error.status === 404;
      }
    },
    POLL_MS,
    `${name} ${player.value?.streamState.value}`,
  );
  const title = channel.value?.title;
  useEffect(() => {
    document.title = `${title === undefined || title === "" ? name : title} · Kagami`;
  }, [title, name]);
  const size = player.value?.size.value ?? channel.value?.video ?? undefined;
  const shape = size !== undefined && size.height > size.width ? "portrait" : "landscape";
  return (
    <div class="watch" data-shape={shape}>
      <PlayerStage
        name={name}
        token={token}
        forcedMode={parseMode(query.get("mode"))}
        onPlayer={(created) => {
          player.value = created;
        }}
      />
      <ChannelInfo name={name} channel={channel.value} player={player.value} />
    </div>
  );
}

function ChannelInfo({
  name,
  channel,
  player,
}: {
  name: string;
  channel: Channel | undefined;
  player: Player | undefined;
}) {
  const state = player?.streamState.value;
  const isLive = state === undefined ? channel?.isLive === true : state === "live" || state === "interrupted";
  const viewerCount = player?.viewerCount.value ?? channel?.viewerCount ?? 0;
  const heading = channel === undefined || channel.title === "" ? name : channel.title;
  return (
    <section class="channel-info" aria-label="About the stream">
      <div class="channel-heading">
        <h1>{heading}</h1>
        {heading !== name && <p class="channel-name">{name}</p>}
      </div>
      <ul class="facts" aria-label="Facts">
        <li>
          <span class={isLive ? "badge badge-live" : "badge"}>{isLive ? "Live" : "Offline"}</span>
        </li>
        {channel?.isPrivate === true && (
          <li>
            <span class="badge">
              <Icon name="lock" /> Private
            </span>
          </li>
        )}
        <li>
          <Icon name="viewers" />
          <span>
            {formatCount(viewerCount)} {viewerCount === 1 ? "viewer" : "viewers"}
          </span>
        </li>
        {isLive && channel !== undefined && <MediaFacts channel={channel} />}
      </ul>
      <div class="channel-actions">
        <CopyButton text={`${location.origin}/watch/${encodeURIComponent(name)}`} label="Copy link" isWordy />
      </div>
    </section>
  );
}

function MediaFacts({ channel }: { channel: Channel }) {
  const { video, audio, startedAtMs } = channel;
  const [nowMs, setNowMs] = useState(Date.now());
  useEffect(() => {
    const timer = setInterval(() => setNowMs(Date.now()), 1_000);
    return () => clearInterval(timer);
  }, []);
  return (
    <>
      {video !== null && (
        <li>
          {formatResolution(video.width, video.height)} · {formatFps(video.fps)} fps · {formatCodec(video.codec)}
        </li>
      )}
      {audio === null && <li>No sound</li>}
      {startedAtMs !== null && <li class="mono">{formatDuration(nowMs - startedAtMs)}</li>}
    </>
  );
}
