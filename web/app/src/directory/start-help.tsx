import type { ServerInfo } from "../api/types.ts";
import { CopyCommand, CopyField } from "../ui/copy-field.tsx";
import { ffmpegCommand, obsSettings } from "../ui/encoder-settings.ts";

/** What an empty directory shows: how to start streaming to this very server. */
export function StartHelp({ server }: { server: ServerInfo | undefined }) {
  const key = server?.isOpenPublish === true ? "mychannel" : "YOUR_STREAM_KEY";
  return (
    <section class="empty">
      <div class="empty-head">
        <svg class="empty-mark" viewBox="0 0 96 96" width="96" height="96" aria-hidden="true">
          <circle cx="48" cy="48" r="38" class="empty-rim" />
          <path d="M24 50a24 24 0 0 1 24-26" class="empty-glint" />
        </svg>
        <h2>Nobody is live yet</h2>
        <p>A stream appears here the moment it starts. This is how to send one.</p>
      </div>
      {server !== undefined && (
        <div class="empty-ways">
          <section class="panel" aria-labelledby="start-obs">
            <h3 id="start-obs">With OBS</h3>
            <p class="hint">Settings, Stream, Service: Custom</p>
            <CopyField label="Server" value={server.rtmpUrl} />
            <KeyHelp server={server} />
            <dl class="pairs">
              {obsSettings()
                .slice(1)
                .map(([label, value]) => (
                  <div key={label}>
                    <dt>{label}</dt>
                    <dd>{value}</dd>
                  </div>
                ))}
            </dl>
          </section>
          <section class="panel" aria-labelledby="start-ffmpeg">
            <h3 id="start-ffmpeg">With ffmpeg</h3>
            <p class="hint">Sends a file as if it were live</p>
            <CopyCommand label="Command" command={ffmpegCommand(server.rtmpUrl, key)} />
            <p class="hint">
              Then open <a href="/studio">the studio</a> with the same key: it shows what arrives here.
            </p>
          </section>
        </div>
      )}
    </section>
  );
}

function KeyHelp({ server }: { server: ServerInfo }) {
  if (server.isOpenPublish) {
    return (
      <CopyField
        label="Stream key"
        value="mychannel"
        hint="Any word will do: this server is open, and the key becomes the channel's name."
      />
    );
  }
  return <p class="hint">Stream key: the one you got from whoever runs this server.</p>;
}
