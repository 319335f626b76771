import type { Channel } from "../api/types.ts";
import { formatCount, formatFps, formatResolution } from "../ui/format.ts";
import { Icon } from "../ui/icon.tsx";
import { hueOf } from "./hue.ts";

/** One live channel. The whole card is the link; the server has no thumbnails, so the cover is drawn. */
export function ChannelCard({ channel }: { channel: Channel }) {
  const { name, title, video, viewerCount } = channel;
  const isPortrait = video !== null && video.height > video.width;
  const state = channel.isInterrupted ? "Reconnecting" : "Live";
  return (
    <article class="card">
      <div class="cover" data-hue={hueOf(name)} aria-hidden="true">
        <div class={isPortrait ? "cover-screen is-portrait" : "cover-screen"}>
          <span>{name.slice(0, 1).toUpperCase()}</span>
        </div>
      </div>
      <div class="card-badges">
        <span class={channel.isInterrupted ? "badge badge-warning" : "badge badge-live"}>{state}</span>
        {channel.isPrivate && (
          <span class="badge">
            <Icon name="lock" /> Private
          </span>
        )}
      </div>
      <div class="card-text">
        <h2>
          <a href={`/watch/${encodeURIComponent(name)}`}>{title === "" ? name : title}</a>
        </h2>
        {title !== "" && <p class="card-name">{name}</p>}
        <p class="card-facts">
          <span class="card-viewers">
            <Icon name="viewers" />
            {formatCount(viewerCount)}
            <span class="visually-hidden">{viewerCount === 1 ? " viewer" : " viewers"}</span>
          </span>
          {video !== null && (
            <span>
              {formatResolution(video.width, video.height)} {formatFps(video.fps)} fps
            </span>
          )}
        </p>
      </div>
    </article>
  );
}
