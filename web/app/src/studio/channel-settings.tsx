import { useSignal } from "@preact/signals";
import { useId } from "preact/hooks";
import type { StudioClient } from "../api/client.ts";
import type { StudioChannel } from "../api/types.ts";
import { PlayLink } from "./play-link.tsx";

interface ChannelSettingsProps {
  readonly channel: StudioChannel;
  readonly client: StudioClient;
  readonly onChanged: (channel: StudioChannel) => void;
}

const TITLE_LIMIT = 120;

/** Title and privacy. */
export function ChannelSettings({ channel, client, onChanged }: ChannelSettingsProps) {
  const id = useId();
  const draft = useSignal<string | undefined>(undefined);
  const said = useSignal("");
  const problem = useSignal<string | undefined>(undefined);
  const save = async (change: { title?: string; isPrivate?: boolean }, message: string) => {
    try {
      onChanged(await client.update(change));
      said.value = message;
      problem.value = undefined;
      if (change.title !== undefined) draft.value = undefined;
    } catch (error) {
      problem.value = error instanceof Error ? error.message : String(error);
    }
  };
  const title = draft.value ?? channel.title;
  return (
    <section class="panel" aria-labelledby={`${id}-heading`}>
      <h2 id={`${id}-heading`}>Your channel</h2>
      <form
        onSubmit={(event) => {
          event.preventDefault();
          void save({ title: title.trim() }, "Title saved");
        }}
      >
        <div class="field">
          <label for={`${id}-title`}>Title</label>
          <div class="field-row">
            <input
              id={`${id}-title`}
              type="text"
              maxLength={TITLE_LIMIT}
              value={title}
              placeholder={channel.name}
              onInput={(event) => {
                draft.value = event.currentTarget.value;
                said.value = "";
              }}
            />
            <button type="submit" class="button" disabled={draft.value === undefined || draft.value === channel.title}>
              Save
            </button>
          </div>
        </div>
      </form>
      <label class="switch">
        <input
          type="checkbox"
          role="switch"
          aria-checked={channel.isPrivate}
          checked={channel.isPrivate}
          onChange={(event) => {
            const isPrivate = event.currentTarget.checked;
            void save({ isPrivate }, isPrivate ? "The channel is private now" : "The channel is public now");
          }}
        />
        <span class="switch-track" aria-hidden="true" />
        <span>
          Private
          <span class="hint">Only people with a play link can watch, and the directory does not list it.</span>
        </span>
      </label>
      {channel.isPrivate && <PlayLink channel={channel} client={client} />}
      <p class="form-said" role="status">
        {said.value}
      </p>
      {problem.value !== undefined && (
        <p class="notice notice-error" role="alert">
          {problem.value}
        </p>
      )}
    </section>
  );
}
