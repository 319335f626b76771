import type { Locator, Page } from "playwright-core";
import { afterAll, afterEach, beforeAll, beforeEach, expect } from "vitest";
import type { PrivacySettings, Zone } from "../src/api/types.ts";
import { eventually, Harness, type OpenOptions, type OpenPage } from "./harness.ts";
import { MockPrivacy } from "./mock/privacy.ts";

/** The panel of the notification blur on a page of its own. */
export interface Panel {
  readonly page: Page;
  readonly panel: Locator;
}

export const ZONE: Zone = { x: 0.1, y: 0.2, width: 0.4, height: 0.2 };

/** One browser for a test file; each test gets a fresh channel and page, and fails where the page complains. */
export class PrivacyBench {
  privacy = new MockPrivacy();
  #harness: Harness | undefined;
  #opened: OpenPage | undefined;

  get harness(): Harness {
    if (this.#harness === undefined) throw new Error("Cannot be used outside tests");
    return this.#harness;
  }

  /** Starts and ends with the tests of the file that calls it. */
  install(): this {
    beforeAll(async () => {
      this.#harness = await Harness.start();
    });
    afterAll(() => this.#harness?.close());
    beforeEach(() => {
      this.harness.mock.channels.clear();
      // Nothing is played here: the panel is what is tested, and the machine may be busy.
      this.harness.mock.addChannel("demo", this.harness.media, { title: "Crystal tower", state: "waiting" });
      this.privacy = new MockPrivacy();
      this.harness.mock.privacy = this.privacy;
    });
    afterEach(() => this.closePage());
    return this;
  }

  async open(path: string, options?: OpenOptions): Promise<Page> {
    this.#opened = await this.harness.open(path, options);
    return this.#opened.page;
  }

  async closePage(): Promise<void> {
    const complaints = this.#opened?.complaints ?? [];
    await this.#opened?.close();
    this.#opened = undefined;
    expect(complaints).toEqual([]);
  }

  async openPanel(settings: Partial<PrivacySettings> = {}, options?: OpenOptions): Promise<Panel> {
    this.privacy.settings = { ...this.privacy.settings, ...settings };
    const page = await this.open("/studio#key=demo-key", options);
    const panel = page.getByRole("region", { name: "Notification blur" });
    await panel.waitFor();
    return { page, panel };
  }

  /** Opens the panel and its picture, with the blur switched on. */
  async openPicture(settings: Partial<PrivacySettings> = {}, options?: OpenOptions): Promise<Panel> {
    const { page, panel } = await this.openPanel({ isEnabled: true, ...settings }, options);
    await panel.getByText("Picture, test and areas").click();
    await panel.locator(".zones").waitFor();
    if (this.privacy.settings.isEnabled && this.privacy.pictureRefusal === undefined) {
      await eventually(() => panel.getByText("Waiting for the first picture").count()).toBe(0);
    }
    return { page, panel };
  }

  /** Waits for one picture more. */
  async untilNextPicture(): Promise<void> {
    const before = this.privacy.pictures.length;
    await eventually(() => this.privacy.pictures.length).toBeGreaterThan(before);
  }
}
