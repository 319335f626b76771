import { signal } from "@preact/signals";
import type { RefObject } from "preact";

/** Safari on iPhone has full screen for the video element only, under its own name. */
interface WebkitVideo extends HTMLVideoElement {
  webkitEnterFullscreen?: () => void;
}

/** Full screen, picture in picture, and which panels are open. */
export class StageView {
  readonly isFullscreen = signal(false);
  readonly isPip = signal(false);
  readonly isOverlayOpen = signal(false);
  readonly isMenuOpen = signal(false);
  readonly hasPip = "pictureInPictureEnabled" in document && document.pictureInPictureEnabled;
  readonly #stage: RefObject<HTMLElement | null>;
  readonly #video: RefObject<HTMLVideoElement | null>;

  constructor(stage: RefObject<HTMLElement | null>, video: RefObject<HTMLVideoElement | null>) {
    this.#stage = stage;
    this.#video = video;
  }

  /** @returns a function that ends it. */
  start(): () => void {
    const listeners = new AbortController();
    const { signal } = listeners;
    document.addEventListener(
      "fullscreenchange",
      () => {
        this.isFullscreen.value = document.fullscreenElement === this.#stage.current;
      },
      { signal },
    );
    for (const type of ["enterpictureinpicture", "leavepictureinpicture"]) {
      this.#video.current?.addEventListener(
        type,
        () => {
          this.isPip.value = document.pictureInPictureElement === this.#video.current;
        },
        { signal },
      );
    }
    return () => listeners.abort();
  }

  toggleFullscreen(): void {
    const stage = this.#stage.current;
    const video = this.#video.current as WebkitVideo | null;
    if (document.fullscreenElement !== null) ignoreRefusal(document.exitFullscreen());
    else if (stage?.requestFullscreen !== undefined) ignoreRefusal(stage.requestFullscreen());
    else video?.webkitEnterFullscreen?.();
  }

  togglePip(): void {
    const video = this.#video.current;
    if (!this.hasPip || video === null) return;
    if (document.pictureInPictureElement === video) ignoreRefusal(document.exitPictureInPicture());
    else if (video.readyState > 0) ignoreRefusal(video.requestPictureInPicture());
  }

  toggleOverlay(): void {
    this.isOverlayOpen.value = !this.isOverlayOpen.value;
  }
}

function ignoreRefusal(promise: Promise<unknown>): void {
  // The browser may refuse, as without a user's gesture; the page then simply stays as it is.
  promise.catch(() => undefined);
}
