import { useSignal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import type { StudioClient } from "../api/client.ts";
import type { StudioChannel } from "../api/types.ts";
import { PlayerStage } from "../watch/player-stage.tsx";

/** The preview renews its play token before it ends. */
const TOKEN_S = 4 * 3_600;

/** What viewers see, muted. A private channel needs a play token, also for its own streamer. */
export function Preview({ channel, client }: { channel: StudioChannel; client: StudioClient }) {
  const token = useSignal<string | undefined>(undefined);
  const { isPrivate } = channel;
  useEffect(() => {
    if (!isPrivate) {
      token.value = undefined;
      return;
    }
    let isEnded = false;
    const renew = () =>
      client.createPlayToken(TOKEN_S).then(
        (made) => {
          if (!isEnded) token.value = made.token;
        },
        () => undefined, // the stage then says that the stream is private
      );
    void renew();
    const timer = setInterval(() => void renew(), (TOKEN_S - 300) * 1_000);
    return () => {
      isEnded = true;
      clearInterval(timer);
    };
  }, [isPrivate, client, token]);
  return (
    <section class="preview" aria-label="Preview">
      {(!isPrivate || token.value !== undefined) && <PlayerStage name={channel.name} token={token.value} isPreview />}
    </section>
  );
}
