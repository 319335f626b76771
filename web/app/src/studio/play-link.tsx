import { useSignal } from "@preact/signals";
import { useId } from "preact/hooks";
import type { StudioClient } from "../api/client.ts";
import type { StudioChannel } from "../api/types.ts";
import { CopyField } from "../ui/copy-field.tsx";

const LIFETIMES: readonly (readonly [number, string])[] = [
  [3_600, "1 hour"],
  [6 * 3_600, "6 hours"],
  [24 * 3_600, "1 day"],
];

/** Makes links to a private channel that work for a while. */
export function PlayLink({ channel, client }: { channel: StudioChannel; client: StudioClient }) {
  const id = useId();
  const lifetimeS = useSignal(3_600);
  const link = useSignal<{ url: string; expiresAtMs: number } | undefined>(undefined);
  const problem = useSignal<string | undefined>(undefined);
  const make = async () => {
    try {
      const { token, expiresAtMs } = await client.createPlayToken(lifetimeS.value);
      const url = new URL(channel.watchPath, location.origin);
      url.searchParams.set("token", token);
      link.value = { url: url.href, expiresAtMs };
      problem.value = undefined;
    } catch (error) {
      problem.value = error instanceof Error ? error.message : String(error);
    }
  };
  const until = link.value === undefined ? "" : new Date(link.value.expiresAtMs).toLocaleString();
  return (
    <div class="play-link">
      <div class="field">
        <label for={id}>Play link works for</label>
        <div class="field-row">
          <select
            id={id}
            value={lifetimeS.value}
            onChange={(event) => {
              lifetimeS.value = Number(event.currentTarget.value);
            }}
          >
            {LIFETIMES.map(([seconds, text]) => (
              <option key={seconds} value={seconds}>
                {text}
              </option>
            ))}
          </select>
          <button type="button" class="button" onClick={() => void make()}>
            Make a link
          </button>
        </div>
      </div>
      {link.value !== undefined && <CopyField label="Play link" value={link.value.url} hint={`Until ${until}`} />}
      {problem.value !== undefined && (
        <p class="notice notice-error" role="alert">
          {problem.value}
        </p>
      )}
    </div>
  );
}
