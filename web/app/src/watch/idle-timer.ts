import { signal } from "@preact/signals";

const IDLE_AFTER_MS = 2_500;

/** Says when the viewer has left the controls alone for a while. */
export class IdleTimer {
  readonly isIdle = signal(false);
  #timer: ReturnType<typeof setTimeout> | undefined;

  wake(): void {
    this.isIdle.value = false;
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.sleep(), IDLE_AFTER_MS);
  }

  sleep(): void {
    clearTimeout(this.#timer);
    this.isIdle.value = true;
  }

  /** A tap on the picture shows the controls, and hides them again. */
  toggle(): void {
    if (this.isIdle.value) this.wake();
    else this.sleep();
  }

  stop(): void {
    clearTimeout(this.#timer);
  }
}
