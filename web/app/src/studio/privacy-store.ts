import { batch, computed, type ReadonlySignal, signal } from "@preact/signals";
import { ApiError, type StudioClient } from "../api/client.ts";
import type { Privacy, PrivacySettings } from "../api/types.ts";

/** The part of the studio's calls that the store needs. */
export type PrivacyCalls = Pick<StudioClient, "privacy" | "updatePrivacy">;

interface Edit {
  readonly change: Partial<PrivacySettings>;
  /** Said when the server has taken it. */
  readonly said: string;
}

/**
 * The settings as they are shown: the server's word, with what is on its way to it and what is not yet sent on top.
 *
 *     word (GET, PATCH) ◀─ sending (one PATCH at a time) ◀─ due ◀─ staged (a drag, a key held down) ◀─ the streamer
 *
 * A PATCH that fails is taken off the pile, which undoes it; what was done after it stays. An answer to a GET that was
 * asked before a PATCH ended may be older than the PATCH: of such an answer only the status is taken.
 */
export class PrivacyStore {
  /** What the server said last; `undefined` before its first answer. */
  readonly word = signal<Privacy | undefined>(undefined);
  /** The settings with unsaved changes; `undefined` before the server's first answer. */
  readonly settings: ReadonlySignal<PrivacySettings | undefined>;
  /** Why the last change was undone. */
  readonly problem = signal<string | undefined>(undefined);
  /** What was saved last. */
  readonly said = signal("");
  readonly #calls: PrivacyCalls;
  readonly #sending = signal<Edit | undefined>(undefined);
  readonly #due = signal<Edit | undefined>(undefined);
  readonly #staged = signal<Edit | undefined>(undefined);
  #revision = 0;
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(calls: PrivacyCalls) {
    this.#calls = calls;
    this.settings = computed(() => {
      const settings = this.word.value?.settings;
      if (settings === undefined) return undefined;
      const [sending, due, staged] = [this.#sending.value, this.#due.value, this.#staged.value];
      return { ...settings, ...sending?.change, ...due?.change, ...staged?.change };
    });
  }

  /** Asks the server. @returns whether it answered. */
  async refresh(): Promise<boolean> {
    const revision = this.#revision;
    try {
      const answer = await this.#calls.privacy();
      const known = this.word.value;
      const isOlder = revision !== this.#revision && known !== undefined;
      this.word.value = isOlder ? { ...answer, settings: known.settings } : answer;
      return true;
    } catch (error) {
      if (error instanceof ApiError) return false; // the dashboard's own polls say so
      throw error;
    }
  }

  /** Changes settings and saves them at once, together with what was staged. */
  save(change: Partial<PrivacySettings>, said: string): void {
    this.stage(change, said);
    this.flush();
  }

  /**
   * Shows a change without saving it.
   *
   * @param flushInMs Saves it when nothing else is staged for so long; otherwise `flush` or `unstage` must follow.
   */
  stage(change: Partial<PrivacySettings>, said: string, flushInMs?: number): void {
    clearTimeout(this.#timer);
    this.#staged.value = merge(this.#staged.value, { change, said });
    this.said.value = "";
    if (flushInMs !== undefined) this.#timer = setTimeout(() => this.flush(), flushInMs);
  }

  /** Takes back what was staged. */
  unstage(): void {
    clearTimeout(this.#timer);
    this.#staged.value = undefined;
  }

  /** Saves what is staged, if anything is; after the PATCH that is under way, if one is. */
  flush(): void {
    clearTimeout(this.#timer);
    if (this.#staged.value === undefined) return;
    this.#due.value = merge(this.#due.value, this.#staged.value);
    this.#staged.value = undefined;
    if (this.#sending.value === undefined) void this.#send();
  }

  async #send(): Promise<void> {
    while (this.#due.value !== undefined) {
      const edit = this.#due.value;
      this.#revision++;
      batch(() => {
        this.#sending.value = edit;
        this.#due.value = undefined;
      });
      let word: Privacy | undefined;
      let problem: string | undefined;
      try {
        word = await this.#calls.updatePrivacy(edit.change);
      } catch (error) {
        problem = `Not saved, so it is as it was before. ${error instanceof Error ? error.message : error}`;
      }
      this.#revision++;
      batch(() => {
        this.#sending.value = undefined;
        this.problem.value = problem;
        if (word === undefined) return;
        this.word.value = word;
        this.said.value = edit.said;
      });
    }
  }
}

function merge(first: Edit | undefined, second: Edit): Edit {
  return { change: { ...first?.change, ...second.change }, said: second.said };
}
