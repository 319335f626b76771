import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Browser, chromium, type Page } from "playwright-core";
import { build } from "vite";
import { expect } from "vitest";
import type { PlayerStats } from "../src/index.ts";
import { MockMedia } from "./mock/media.ts";
import { MockServer } from "./mock/server.ts";

const BROWSER_ARGUMENTS = [
  "--headless=new",
  "--no-sandbox",
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
];

/** The built app, the mock server with a live test card, and one browser, for one test file. */
export class Harness {
  readonly browser: Browser;
  readonly mock: MockServer;
  readonly media: MockMedia;
  readonly origin: string;
  readonly #root: string;

  private constructor(parts: { browser: Browser; mock: MockServer; media: MockMedia; origin: string; root: string }) {
    this.browser = parts.browser;
    this.mock = parts.mock;
    this.media = parts.media;
    this.origin = parts.origin;
    this.#root = parts.root;
  }

  static async start(): Promise<Harness> {
    const root = await mkdtemp(join(tmpdir(), "kagami-app-"));
    const media = new MockMedia({ width: 640, height: 360, gopS: 1 });
    const [browser] = await Promise.all([
      chromium.launch({ executablePath: "/usr/bin/chromium", headless: true, args: BROWSER_ARGUMENTS }),
      build({
        configFile: join(import.meta.dirname, "../vite.config.ts"),
        logLevel: "error",
        build: { outDir: root, emptyOutDir: true },
      }),
      media.ready(),
    ]);
    const mock = new MockServer(root);
    const origin = await mock.listen();
    return new Harness({ browser, mock, media, origin, root });
  }

  async close(): Promise<void> {
    await this.browser.close();
    this.media.close();
    await this.mock.close();
    await rm(this.#root, { recursive: true });
  }

  /** Opens a path in a page of its own; what the page complains about fails the test at the end. */
  async open(path: string, options: OpenOptions = {}): Promise<OpenPage> {
    const context = await this.browser.newContext({
      viewport: { width: options.width ?? 1280, height: options.height ?? 800 },
      colorScheme: options.scheme ?? "dark",
    });
    const page = await context.newPage();
    page.setDefaultTimeout(8_000);
    if (options.beforeLoad) await page.addInitScript(options.beforeLoad);
    const complaints: string[] = [];
    page.on("pageerror", (error) => complaints.push(error.message));
    page.on("console", (message) => {
      if (message.type() === "error" && !EXPECTED_ERRORS.test(message.text())) complaints.push(message.text());
    });
    await page.goto(this.origin + path);
    return { page, complaints, close: () => context.close() };
  }
}

/** The browser itself reports failed loads, which tests provoke. */
const EXPECTED_ERRORS = /Failed to load resource|WebSocket connection to/;

export interface OpenOptions {
  readonly width?: number;
  readonly height?: number;
  readonly scheme?: "dark" | "light";
  /** Runs in the page before its own scripts; it stands alone. */
  readonly beforeLoad?: () => void;
}

export interface OpenPage {
  readonly page: Page;
  readonly complaints: readonly string[];
  close(): Promise<void>;
}

/** Reads `window.kagamiPlayer.stats()`. */
export function stats(page: Page): Promise<PlayerStats> {
  return page.evaluate(() => (window as unknown as { kagamiPlayer: { stats(): PlayerStats } }).kagamiPlayer.stats());
}

/** Waits until frames are on screen and time goes on. */
export async function untilPlaying(page: Page, mode = "ws"): Promise<void> {
  await page.waitForFunction(
    (wanted) => {
      const player = (window as unknown as { kagamiPlayer?: { stats(): PlayerStats; video: HTMLVideoElement } })
        .kagamiPlayer;
      const now = player?.stats();
      return now?.phase === "playing" && now.mode === wanted && now.decodedFrameCount > 3;
    },
    mode,
    { polling: 50 },
  );
}

/** Asks again and again until the matcher holds; the machine may be busy, so it has patience. */
export function eventually<T>(
  read: () => T | Promise<T>,
  options?: { readonly timeout: number },
): ReturnType<typeof expect.poll> {
  return expect.poll(read, { timeout: 8_000, interval: 50, ...options });
}
