import type { Page } from "playwright-core";
import { expect, test } from "vitest";
import type { PrivacySettings } from "../src/api/types.ts";
import { auditAccessibility } from "./audit.ts";
import { eventually } from "./harness.ts";
import { MockPrivacy } from "./mock/privacy.ts";
import { PrivacyBench, ZONE } from "./privacy-bench.ts";

const bench = new PrivacyBench().install();

test.each(["Hide notifications", "Phone", "Strength", "Encoding", "When the filter fails"])(
  "each choice of %s saves its own setting, and a refusal undoes it",
  async (group) => {
    const { panel } = await bench.openPanel();
    await panel.getByText("Advanced", { exact: true }).click();
    for (const { role, name, change } of CONTROLS[group] ?? []) {
      const control = panel.getByRole(role, { name });
      bench.privacy.patches.length = 0;
      bench.privacy.patchRefusal = { status: 503, code: "STORAGE_FULL", message: `No room: ${name}` };
      await control.press(" ");
      await eventually(() => panel.getByText("Not saved").innerText()).toContain(`No room: ${name}`);
      await eventually(() => control.isChecked()).toBe(false);
      bench.privacy.patchRefusal = undefined;
      await control.press(" ");
      await eventually(() => panel.getByRole("status").last().innerText()).toContain("Saved");
      expect(await control.isChecked()).toBe(true);
      expect(await panel.getByText("Not saved").count()).toBe(0);
      expect(bench.privacy.patches).toEqual([change, change]);
      expect(bench.privacy.settings).toMatchObject(change);
    }
  },
);

interface Control {
  readonly role: "switch" | "radio";
  readonly name: RegExp;
  readonly change: Partial<PrivacySettings>;
}

const CONTROLS: Readonly<Record<string, readonly Control[]>> = {
  "Hide notifications": [{ role: "switch", name: /^Hide notifications/, change: { isEnabled: true } }],
  Phone: [
    { role: "radio", name: /^iPhone/, change: { style: "ios" } },
    { role: "radio", name: /^Android/, change: { style: "android" } },
    { role: "radio", name: /^Any phone/, change: { style: "any" } },
  ],
  Strength: [
    { role: "radio", name: /^Light/, change: { strength: 1 } },
    { role: "radio", name: /^Strong/, change: { strength: 3 } },
    { role: "radio", name: /^Medium/, change: { strength: 2 } },
  ],
  Encoding: [
    { role: "radio", name: /^All the time/, change: { mode: "always" } },
    { role: "radio", name: /^Only when/, change: { mode: "selective" } },
  ],
  "When the filter fails": [
    { role: "radio", name: /^Pause the picture/, change: { onFailure: "pause" } },
    { role: "radio", name: /^Go on unprotected/, change: { onFailure: "pass" } },
    { role: "radio", name: /^Hold and cover/, change: { onFailure: "cover" } },
  ],
};

test("going on unprotected is warned of where it is chosen, and beside the switch as long as it holds", async () => {
  const { panel } = await bench.openPanel({ isEnabled: true });
  await panel.getByText("Advanced", { exact: true }).click();
  await panel.getByRole("radio", { name: /^Go on unprotected/ }).check();
  await eventually(() => panel.getByRole("alert").innerText()).toContain("Notifications will be seen.");
  await panel.getByText("When the filter fails, viewers see everything").waitFor();
  await panel.getByRole("radio", { name: /^Hold and cover/ }).check();
  await eventually(() => panel.getByRole("alert").count()).toBe(0);
  expect(await panel.getByText("viewers see everything:").count()).toBe(0);
});

test("where the codec is missing, the reason and the way to mend it are shown and the switch cannot be set", async () => {
  bench.privacy.isAvailable = false;
  bench.privacy.unavailableReason = "The codec package is not installed";
  const { panel } = await bench.openPicture({ isEnabled: false });
  const notice = panel.locator(".notice-warning").first();
  expect(await notice.innerText()).toMatch(/cannot hide[\s\S]*The codec package is not installed[\s\S]*node-av/);
  expect(await panel.getByRole("switch").isDisabled()).toBe(true);
  expect(await panel.getByRole("button", { name: "Test it" }).isDisabled()).toBe(true);
  await panel.getByText("There is no picture: this server cannot look at it").waitFor();
  expect(bench.privacy.pictures).toEqual([]);
});

test("a blur that was on when the codec went missing can still be switched off", async () => {
  bench.privacy.isAvailable = false;
  const { panel } = await bench.openPanel({ isEnabled: true });
  await panel.getByRole("switch").press(" ");
  await eventually(() => bench.privacy.settings.isEnabled).toBe(false);
});

test("state and figures follow the server, and a screen reader hears changes once", async () => {
  const { panel } = await bench.openPanel({ isEnabled: true });
  const [badge, said] = [panel.locator(".badge"), panel.locator(".privacy-said")];
  expect(await badge.innerText()).toBe("Watching");
  expect(await said.textContent()).toBe("");
  const region = { x: 0, y: 0, width: 1, height: 0.1 };
  bench.privacy.status = {
    ...bench.privacy.status,
    state: "hiding",
    regions: [region],
    bannerCount: 1_234,
    lastHiddenAtMs: Date.now(),
  };
  await eventually(() => badge.innerText()).toBe("Hiding now");
  expect(await said.textContent()).toBe("A notification is being hidden");
  bench.privacy.status = {
    ...bench.privacy.status,
    addedLatencyMs: 33.4,
    cpuPercent: 6.25,
    restartCount: 2,
    isEncoding: true,
  };
  await eventually(() => panel.locator("dl").innerText()).toMatch(
    /1,234[\s\S]*(just now|s ago)[\s\S]*the server's picture[\s\S]*33 ms[\s\S]*6\.3 % of a core[\s\S]*2/,
  );
  bench.privacy.status = { ...bench.privacy.status, state: "failed", message: "The process ended" };
  await eventually(() => panel.getByRole("alert").innerText()).toContain(
    "The process ended. Viewers keep the last picture that was checked",
  );
  expect(await said.textContent()).toBe("A notification is being hidden");
});

test("pictures are asked for four times a second at most, only while they are open, on screen and in a shown tab", async () => {
  const { page, panel } = await bench.openPanel({ isEnabled: true });
  const summary = panel.getByText("Picture, test and areas");
  expect(bench.privacy.pictures).toEqual([]);
  await summary.click();
  await eventually(() => bench.privacy.pictures.length).toBeGreaterThan(6);
  const times = bench.privacy.pictures.map(({ atMs }) => atMs);
  const [first = 0, last = 0] = [times[0], times.at(-1)];
  expect((last - first) / (times.length - 1)).toBeGreaterThan(230);

  await page.evaluate(() => {
    Object.defineProperty(document, "visibilityState", { value: "hidden", configurable: true });
    document.dispatchEvent(new Event("visibilitychange"));
  });
  await expectQuiet(page);
  await page.evaluate(() => {
    Object.defineProperty(document, "visibilityState", { value: "visible", configurable: true });
    document.dispatchEvent(new Event("visibilitychange"));
  });
  await bench.untilNextPicture();
  await page.evaluate(() => window.scrollTo(0, 0));
  await page.setViewportSize({ width: 1280, height: 200 });
  await expectQuiet(page);
  await summary.scrollIntoViewIfNeeded();
  await page.setViewportSize({ width: 1280, height: 800 });
  await bench.untilNextPicture();
  await summary.click();
  await expectQuiet(page);
});

/** After what is under way has ended, four pictures' time passes without one: sixty frames of the page. */
async function expectQuiet(page: Page) {
  const wait = () =>
    page.evaluate(
      () =>
        new Promise<void>((resolve) => {
          let frameCount = 0;
          const onFrame = () => {
            if (++frameCount === 60) resolve();
            else requestAnimationFrame(onFrame);
          };
          requestAnimationFrame(onFrame);
        }),
    );
  await eventually(async () => {
    const before = bench.privacy.pictures.length;
    await wait();
    return bench.privacy.pictures.length - before;
  }).toBe(0);
}

test("why there is no picture is explained, and it is asked for more and more slowly until one comes", async () => {
  bench.privacy.pictureRefusal = { status: 409, code: "NOT_LIVE", message: "none" };
  const { panel } = await bench.openPicture();
  await panel.getByText("Start your encoder to see the picture").waitFor();
  bench.privacy.pictureRefusal = { status: 409, code: "PRIVACY_OFF", message: "none" };
  await panel.getByText("Switch the blur on to see the picture").waitFor();
  bench.privacy.pictureRefusal = { status: 503, code: "PREVIEW_LATE", message: "none" };
  await panel.getByText("No picture came in time").waitFor();
  const [first = 0, second = 0, third = 0] = bench.privacy.pictures.map(({ atMs }) => atMs);
  expect(second - first).toBeGreaterThan(950);
  expect(third - second).toBeGreaterThan(1_950);
  bench.privacy.pictureRefusal = undefined;
  for (let i = 0; i < 2; i++) await panel.getByText("Picture, test and areas").click(); // opening it asks at once
  await eventually(() => panel.locator("canvas").evaluate(readPicture)).toEqual([360, 640, true]);
  expect(await panel.getByText("No picture came in time").count()).toBe(0);
});

/** Runs in the page: size of the canvas, and whether anything is painted. */
function readPicture(canvas: HTMLCanvasElement): [number, number, boolean] {
  const pixel = canvas.getContext("2d")?.getImageData(canvas.width / 2, canvas.height / 2, 1, 1).data;
  return [canvas.width, canvas.height, (pixel?.[0] ?? 0) > 0];
}

test.each([
  { detects: "banner", result: "The made-up notification was found and hidden." },
  { detects: "clear", result: "The made-up notification was not found." },
  { detects: undefined, result: "A frame around the made-up notification means that it was found." },
])("a test in which the detector says $detects ends by itself with: $result", async ({ detects, result }) => {
  bench.privacy.detects = detects;
  const { page, panel } = await bench.openPicture();
  await page.clock.install();
  await panel.getByRole("button", { name: "Test it" }).click();
  await panel.getByText("Only you see it, only here.").waitFor();
  expect(await panel.getByText("Test · seen only here").count()).toBe(1);
  // In a row: a request from before the test may come late, and the banner is seen from the fourth picture on.
  await eventually(() => bench.privacy.pictures.slice(-5).filter(({ isTest }) => isTest).length).toBe(5);
  await page.clock.fastForward(10_000);
  await panel.getByText(result).waitFor();
  expect(await panel.getByText("Test · seen only here").count()).toBe(0);
  await eventually(() => bench.privacy.pictures.at(-1)?.isTest).toBe(false);
});

test("a test can be stopped, and ends when the picture is folded away", async () => {
  const { panel } = await bench.openPicture();
  await panel.getByRole("button", { name: "Test it" }).click();
  await eventually(() => bench.privacy.pictures.at(-1)?.isTest).toBe(true);
  await panel.getByRole("button", { name: "Stop the test" }).click();
  await eventually(() => bench.privacy.pictures.at(-1)?.isTest).toBe(false);
  expect(await panel.getByText("made-up notification was").count()).toBe(0);
  await panel.getByRole("button", { name: "Test it" }).click();
  await eventually(() => bench.privacy.pictures.at(-1)?.isTest).toBe(true);
  await panel.getByText("Picture, test and areas").click();
  await panel.getByText("Picture, test and areas").click();
  await eventually(() => bench.privacy.pictures.at(-1)?.isTest).toBe(false);
  await panel.getByRole("button", { name: "Test it" }).waitFor();
});

test.each([
  { scheme: "dark", state: "hiding" },
  { scheme: "dark", state: "failed" },
  { scheme: "light", state: "hiding" },
  { scheme: "light", state: "failed" },
] as const)(
  "everything open while $state fits 360 px, and can be used without seeing it well, in $scheme",
  async ({ scheme, state }) => {
    const regions = [{ x: 0.05, y: 0.3, width: 0.9, height: 0.1 }];
    bench.privacy.status = { ...bench.privacy.status, state, regions, message: "It ended" };
    const settings = { zones: [ZONE, { ...ZONE, y: 0.7 }], onFailure: "pass" } as const;
    const { page, panel } = await bench.openPicture(settings, { width: 360, height: 740, scheme });
    await panel.getByText("Advanced", { exact: true }).click();
    await panel.getByRole("button", { name: "Test it" }).click();
    await panel.locator(".zone").first().focus();
    await panel.locator(".zone-handle").first().waitFor();
    expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBeLessThanOrEqual(360);
    expect(await auditAccessibility(page)).toEqual([]);
    expect(await page.evaluate(() => document.querySelectorAll("[style]").length)).toBe(0);
  },
);

test("a server without the blur shows no panel", async () => {
  bench.harness.mock.privacy = Object.assign(new MockPrivacy(), { answer: () => false });
  const page = await bench.open("/studio#key=demo-key");
  await page.getByRole("heading", { name: "Stream health" }).waitFor();
  expect(await page.getByText("Notification blur").count()).toBe(0);
});

test("viewers load neither the panel nor its styles", async () => {
  const page = await bench.open("/");
  await page.getByRole("heading").first().waitFor();
  const loaded = () =>
    page.evaluate(async () => {
      const addresses = performance.getEntriesByType("resource").map((entry) => entry.name);
      const files = addresses.filter((address) => /\.(css|js)$/.test(address));
      return (await Promise.all(files.map(async (file) => (await fetch(file)).text()))).join("\n");
    });
  expect(await loaded()).not.toMatch(/privacy-workbench|Notification blur/);
  await page.getByRole("link", { name: "Studio", exact: true }).click();
  await page.getByLabel("Stream key").waitFor();
  expect(await loaded()).toMatch(/privacy-workbench/);
});
