import { useSignal } from "@preact/signals";
import { useId } from "preact/hooks";
import { ApiError, StudioClient } from "../api/client.ts";
import { signIn } from "./session.ts";

/** Asks for the stream key and proves it before the studio opens. */
export function SignIn({ refusal }: { refusal: string | undefined }) {
  const id = useId();
  const key = useSignal("");
  const problem = useSignal(refusal);
  const isBusy = useSignal(false);
  const onSubmit = async (event: Event) => {
    event.preventDefault();
    const given = key.value.trim();
    if (given === "") {
      problem.value = "Type your stream key";
      return;
    }
    isBusy.value = true;
    try {
      await new StudioClient(given).channel();
      signIn(given);
    } catch (error) {
      const isUnknown = error instanceof ApiError && error.status === 401;
      problem.value = isUnknown
        ? "No channel has this stream key"
        : error instanceof Error
          ? error.message
          : String(error);
    } finally {
      isBusy.value = false;
    }
  };
  return (
    <div class="page sign-in">
      <form class="panel" onSubmit={(event) => void onSubmit(event)} noValidate>
        <h1>Studio</h1>
        <p class="hint">Your stream key opens the studio. It stays in this tab and is forgotten when the tab closes.</p>
        <div class="field">
          <label for={id}>Stream key</label>
          <input
            id={id}
            class="mono"
            type="password"
            autocomplete="current-password"
            spellcheck={false}
            value={key.value}
            aria-invalid={problem.value !== undefined}
            aria-describedby={`${id}-problem`}
            onInput={(event) => {
              key.value = event.currentTarget.value;
              problem.value = undefined;
            }}
          />
        </div>
        <p class="form-problem" id={`${id}-problem`} role="alert">
          {problem.value ?? ""}
        </p>
        <button type="submit" class="button button-primary" disabled={isBusy.value}>
          {isBusy.value ? "Opening" : "Open the studio"}
        </button>
      </form>
    </div>
  );
}
