import type { AgreedState } from "../engine/cluster-state.ts";
import type { Agreement, MemberReport } from "./agreement.ts";

/** A single proxy agrees with itself: it leads, and its is the only vote. */
export class LocalAgreement implements Agreement {
  readonly #save: (state: AgreedState) => Promise<void>;
  readonly #listeners: (() => void)[] = [];
  #state: AgreedState;

  readonly isLeader = true;
  readonly others: readonly MemberReport[] = [];
  readonly trouble = undefined;

  /** @param save Keeps a state over a restart; called before anybody acts by it. */
  constructor(state: AgreedState, save: (state: AgreedState) => Promise<void>) {
    this.#state = state;
    this.#save = save;
  }

  get state(): AgreedState {
    return this.#state;
  }

  onChange(listener: () => void): void {
    this.#listeners.push(listener);
  }

  async update(change: (state: AgreedState) => AgreedState): Promise<AgreedState> {
    for (;;) {
      const base = this.#state;
      const next = change(base);
      if (next === base) return base;
      await this.#save(next);
      if (this.#state !== base) continue;
      this.#state = next;
      for (const listener of this.#listeners) listener();
      return next;
    }
  }

  async readOthers(): Promise<readonly MemberReport[]> {
    return this.others;
  }

  async join(): Promise<void> {
    // There is nobody who could decide meanwhile.
  }

  publish(): void {
    // There is nobody to tell.
  }

  async close(): Promise<void> {
    // Nothing is held.
  }
}
