import { useSignal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import { ApiError, fetchServer, type StudioClient } from "../api/client.ts";
import type { StudioChannel } from "../api/types.ts";
import { ConfirmDialog } from "../ui/confirm-dialog.tsx";
import { CopyCommand, CopyField } from "../ui/copy-field.tsx";
import { ffmpegCommand, obsSettings } from "../ui/encoder-settings.ts";
import { signIn } from "./session.ts";

interface ConnectionPanelProps {
  readonly channel: StudioChannel;
  readonly client: StudioClient;
}

/** Where to send the stream: addresses, the key, and what to set in the encoder. */
export function ConnectionPanel({ channel, client }: ConnectionPanelProps) {
  return (
    <section class="panel" aria-labelledby="connection-title">
      <h2 id="connection-title">Your encoder</h2>
      <CopyField label="Server address" value={channel.rtmpUrl} />
      {channel.rtmpsUrl !== null && <CopyField label="Encrypted server address" value={channel.rtmpsUrl} />}
      <CopyField label="Stream key" value={client.key} isSecret hint="Whoever has it can stream as you." />
      <RotateKey client={client} />
      <details>
        <summary>OBS settings</summary>
        <dl class="pairs">
          {[...obsSettings(), ["Server", channel.rtmpUrl] as const].map(([label, value]) => (
            <div key={label}>
              <dt>{label}</dt>
              <dd>{value}</dd>
            </div>
          ))}
        </dl>
      </details>
      <FfmpegHelp channel={channel} client={client} />
    </section>
  );
}

function FfmpegHelp({ channel, client }: ConnectionPanelProps) {
  return (
    <details>
      <summary>ffmpeg command</summary>
      <p class="hint">It contains your stream key.</p>
      <CopyCommand label="Command" command={ffmpegCommand(channel.rtmpUrl, client.key)} />
    </details>
  );
}

function RotateKey({ client }: { client: StudioClient }) {
  const isAsking = useSignal(false);
  const newKey = useSignal<string | undefined>(undefined);
  const problem = useSignal<string | undefined>(undefined);
  const isOpenPublish = useSignal(false);
  useEffect(() => {
    fetchServer()
      .then((server) => {
        isOpenPublish.value = server.isOpenPublish;
      })
      .catch(() => undefined); // the button then stays, and the server explains a refusal
  }, [isOpenPublish]);
  const rotate = async () => {
    isAsking.value = false;
    try {
      const { key } = await client.rotateKey();
      problem.value = undefined;
      newKey.value = key;
      signIn(key);
    } catch (error) {
      const isOpen = error instanceof ApiError && error.code === "OPEN_PUBLISH";
      problem.value = isOpen
        ? "This server is open: any key is valid, so there is none to replace"
        : error instanceof Error
          ? error.message
          : String(error);
    }
  };
  if (isOpenPublish.value) {
    return <p class="hint">This server is open to everyone: the key is the channel's name and cannot be replaced.</p>;
  }
  return (
    <>
      <button
        type="button"
        class="button"
        onClick={() => {
          isAsking.value = true;
        }}
      >
        Replace the key
      </button>
      {newKey.value !== undefined && (
        <div class="notice notice-good" role="status">
          <p>
            <strong>This is your new key, shown once.</strong> Put it into your encoder before the next broadcast.
          </p>
          <CopyField label="New stream key" value={newKey.value} />
        </div>
      )}
      {problem.value !== undefined && (
        <p class="notice notice-error" role="alert">
          {problem.value}
        </p>
      )}
      <ConfirmDialog
        isOpen={isAsking.value}
        title="Replace the stream key?"
        text="The old key ends at once. A broadcast that is running goes on, but your encoder needs the new key to come back."
        confirmLabel="Replace the key"
        onConfirm={() => void rotate()}
        onCancel={() => {
          isAsking.value = false;
        }}
      />
    </>
  );
}
