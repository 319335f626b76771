import { type Signal, useSignal } from "@preact/signals";
import { useEffect, useMemo, useRef } from "preact/hooks";
import type { PreviewPicture, StudioClient } from "../api/client.ts";
import type { StudioChannel, Zone } from "../api/types.ts";
import { PrivacyFeed } from "./privacy-feed.ts";
import { describeTest, explainTrouble, type PrivacyTest, TEST_BEGUN, withTestPicture } from "./privacy-words.ts";
import { ZoneEditor, type ZoneEdits } from "./privacy-zone-editor.tsx";

/** How long a test goes on: the server shows its made-up banner for 5 s, and the first picture takes a moment. */
const TEST_MS = 6_000;

interface PrivacyStageProps extends ZoneEdits {
  readonly channel: StudioChannel;
  readonly client: StudioClient;
  readonly zones: readonly Zone[];
  readonly regions: readonly Zone[];
  /** Why there cannot be pictures, as {@link explainTrouble} knows it; `undefined` while there may be some. */
  readonly obstacle: "PRIVACY_OFF" | "UNAVAILABLE" | undefined;
  /** Set while a test runs and after it; this component brings it forward. */
  readonly test: Signal<PrivacyTest | undefined>;
}

/** The picture as the detector sees it, with the areas over it. Pictures are asked for only while it can be seen. */
export function PrivacyStage(props: PrivacyStageProps) {
  const { channel, obstacle, test } = props;
  const isOn = obstacle === undefined;
  const box = useRef<HTMLDivElement>(null);
  const canvas = useRef<HTMLCanvasElement>(null);
  const hasPicture = useSignal(false);
  const isSeen = useIsSeen(box);
  const isTesting = test.value?.isRunning === true;
  const feed = useFeed(props, (bitmap) => {
    if (canvas.current === null) return;
    paint(canvas.current, bitmap);
    hasPicture.value = true;
  });
  useEffect(() => {
    if (!isSeen || !isOn) {
      feed.trouble.value = undefined;
      return;
    }
    feed.start(isTesting);
    return () => feed.stop();
  }, [feed, isSeen, isOn, isTesting]);
  const trouble = obstacle ?? feed.trouble.value;
  const { width, height } = channel.video ?? { width: 720, height: 1280 };
  return (
    <div class="privacy-stage" ref={box}>
      <div class={isTesting ? "privacy-picture is-test" : "privacy-picture"}>
        <canvas
          ref={canvas}
          class={trouble === undefined ? "" : "is-stale"}
          width={width}
          height={height}
          role="img"
          aria-label="What the server looks at, before anything is hidden"
        />
        <ZoneEditor {...props} regions={isTesting || trouble !== undefined ? [] : props.regions} />
        {isTesting && (
          <p class="privacy-mark" aria-hidden="true">
            Test · seen only here
          </p>
        )}
      </div>
      {trouble !== undefined ? (
        <p class="hint">{explainTrouble(trouble)}</p>
      ) : (
        !hasPicture.value && <p class="hint">Waiting for the first picture.</p>
      )}
    </div>
  );
}

/**
 * The feed of this stage. Pictures are decoded beside the page and painted: there is no address of them that would have
 * to be allowed by the content security policy, or given back.
 */
function useFeed({ client, test }: PrivacyStageProps, onBitmap: (bitmap: ImageBitmap) => void): PrivacyFeed {
  const latest = useRef(onBitmap);
  latest.current = onBitmap;
  return useMemo(() => {
    const show = async ({ jpeg, detection }: PreviewPicture) => {
      const bitmap = await createImageBitmap(jpeg);
      latest.current(bitmap);
      bitmap.close();
      if (test.value?.isRunning === true) test.value = withTestPicture(test.value, detection);
    };
    return new PrivacyFeed({ ask: (isTest, signal) => client.privacyPreview(isTest, signal), show });
  }, [client, test]);
}

function paint(canvas: HTMLCanvasElement, bitmap: ImageBitmap): void {
  if (canvas.width !== bitmap.width || canvas.height !== bitmap.height) {
    canvas.width = bitmap.width;
    canvas.height = bitmap.height;
  }
  canvas.getContext("2d", { alpha: false })?.drawImage(bitmap, 0, 0);
}

/** Whether any of the element is on screen, in a tab that is shown. */
function useIsSeen(ref: { readonly current: HTMLElement | null }): boolean {
  const isOnScreen = useSignal(false);
  const isTabShown = useSignal(document.visibilityState === "visible");
  useEffect(() => {
    if (ref.current === null) return;
    const observer = new IntersectionObserver((entries) => {
      isOnScreen.value = entries.at(-1)?.isIntersecting === true;
    });
    observer.observe(ref.current);
    const onVisible = () => {
      isTabShown.value = document.visibilityState === "visible";
    };
    document.addEventListener("visibilitychange", onVisible);
    return () => {
      observer.disconnect();
      document.removeEventListener("visibilitychange", onVisible);
    };
  }, [ref, isOnScreen, isTabShown]);
  return isOnScreen.value && isTabShown.value;
}

/** Starts, shows and ends the test. */
export function PrivacyTestControl({ test, obstacle }: Pick<PrivacyStageProps, "test" | "obstacle">) {
  const current = test.value;
  const isRunning = current?.isRunning === true;
  useEffect(() => {
    if (!isRunning) return;
    const end = () => {
      if (test.value?.isRunning === true) test.value = { ...test.value, isRunning: false };
    };
    const timer = setTimeout(end, TEST_MS);
    return () => {
      clearTimeout(timer);
      end();
    };
  }, [isRunning, test]);
  return (
    <div class="privacy-test">
      <h3>Test it</h3>
      <p class="hint">
        Slides a made-up notification into this picture and shows what the server makes of it. Viewers do not see it.
      </p>
      <button
        type="button"
        class="button"
        disabled={obstacle !== undefined}
        onClick={() => {
          test.value = isRunning ? undefined : TEST_BEGUN;
        }}
      >
        {isRunning ? "Stop the test" : "Test it"}
      </button>
      <p class={noticeClass(current)} role="status">
        {current !== undefined && describeTest(current)}
        {isRunning && " Only you see it, only here."}
        {obstacle === "PRIVACY_OFF" && "Switch the blur on to test it."}
      </p>
    </div>
  );
}

function noticeClass(test: PrivacyTest | undefined): string {
  if (test === undefined) return "hint";
  if (test.found === true) return "notice notice-good";
  return !test.isRunning && test.found === false ? "notice notice-warning" : "notice";
}
