import type { Locator } from "playwright-core";
import { expect, test } from "vitest";
import type { Zone } from "../src/api/types.ts";
import { eventually } from "./harness.ts";
import { type Panel, PrivacyBench, ZONE } from "./privacy-bench.ts";

const bench = new PrivacyBench().install();

/** A point of the picture in page coordinates. */
async function at(panel: Locator, x: number, y: number): Promise<[number, number]> {
  await panel.locator(".zones").scrollIntoViewIfNeeded();
  const box = await panel.locator(".zones").boundingBox();
  if (box === null) throw new Error("no picture");
  return [box.x + x * box.width, box.y + y * box.height];
}

async function drag({ page, panel }: Panel, from: readonly [number, number], to: readonly [number, number]) {
  const [start, end] = [await at(panel, ...from), await at(panel, ...to)];
  await page.mouse.move(...start);
  await page.mouse.down();
  await page.mouse.move(...end, { steps: 4 });
}

/** Zones to a hundredth: a pixel is less. */
function rounded(zones: readonly Zone[]): number[][] {
  return zones.map((zone) => [zone.x, zone.y, zone.width, zone.height].map((side) => Math.round(side * 100) / 100));
}

test("areas are drawn and moved with the mouse, and saved when it is let go", async () => {
  const opening = await bench.openPicture();
  const { page, panel } = opening;
  await drag(opening, [0.1, 0.2], [0.5, 0.4]);
  expect(await panel.getByRole("application", { name: /^Area 1: left 10 %, top 20 %/ }).count()).toBe(1);
  expect(bench.privacy.patches).toEqual([]);
  await page.mouse.up();
  await eventually(() => rounded(bench.privacy.settings.zones)).toEqual([[0.1, 0.2, 0.4, 0.2]]);
  await drag(opening, [0.3, 0.3], [0.5, 0.6]);
  await page.mouse.up();
  await eventually(() => rounded(bench.privacy.settings.zones)).toEqual([[0.3, 0.5, 0.4, 0.2]]);
  expect(bench.privacy.patches).toHaveLength(2);
});

test("corners are pulled with the mouse once an area was touched, and areas stop at the edge of the picture", async () => {
  const opening = await bench.openPicture({ zones: [{ x: 0.3, y: 0.5, width: 0.4, height: 0.2 }] });
  const { page, panel } = opening;
  await panel.locator(".zone").click();
  await drag(opening, [0.7, 0.7], [0.9, 0.95]);
  await page.mouse.up();
  await eventually(() => rounded(bench.privacy.settings.zones)).toEqual([[0.3, 0.5, 0.6, 0.45]]);
  await drag(opening, [0.6, 0.7], [3, 3]);
  await page.mouse.up();
  await eventually(() => rounded(bench.privacy.settings.zones)).toEqual([[0.4, 0.55, 0.6, 0.45]]);
  expect(bench.privacy.patches).toHaveLength(2);
});

test("a slip of the hand draws nothing, and Escape gives a drag up", async () => {
  const opening = await bench.openPicture({ zones: [ZONE] });
  const { page, panel } = opening;
  await drag(opening, [0.7, 0.7], [0.705, 0.705]);
  await page.mouse.up();
  await drag(opening, [0.3, 0.3], [0.6, 0.8]);
  await panel.getByRole("application", { name: /^Area 1: left 40 %/ }).waitFor();
  await page.keyboard.press("Escape");
  await page.mouse.up();
  await panel.getByRole("application", { name: /^Area 1: left 10 %, top 20 %/ }).waitFor();
  expect(bench.privacy.patches).toEqual([]);
});

test("an area that the server refuses disappears again, with the reason", async () => {
  const opening = await bench.openPicture({ zones: [ZONE] });
  const { page, panel } = opening;
  bench.privacy.patchRefusal = { status: 400, code: "PRIVACY_SETTINGS_INVALID", message: "Too many areas" };
  await drag(opening, [0.1, 0.6], [0.5, 0.8]);
  expect(await panel.getByRole("application", { name: /^Area 2:/ }).count()).toBe(1);
  await page.mouse.up();
  await eventually(() => panel.getByRole("alert").innerText()).toContain("Too many areas");
  expect(await panel.getByRole("application", { name: /^Area 2/ }).count()).toBe(0);
  expect(await panel.getByRole("group", { name: "Area 2, in percent" }).count()).toBe(0);
});

test("areas are added, moved, resized and deleted with the keyboard alone, and keys held down are saved once", async () => {
  const { page, panel } = await bench.openPicture();
  await panel.getByRole("button", { name: "Add an area" }).focus();
  await page.keyboard.press("Enter");
  await eventually(() => rounded(bench.privacy.settings.zones)).toEqual([[0.02, 0.02, 0.96, 0.1]]);
  const area = panel.getByRole("application", { name: /^Area 1:/ });
  await area.focus();
  for (let i = 0; i < 3; i++) await page.keyboard.press("ArrowDown");
  await page.keyboard.press("Shift+ArrowDown");
  await eventually(() => rounded(bench.privacy.settings.zones)).toEqual([[0.02, 0.1, 0.96, 0.1]]);
  expect(bench.privacy.patches).toHaveLength(2);
  await panel.getByText("Area 1 saved: left 2 %, top 10 %, 96 % wide, 10 % high").waitFor();
  for (const corner of ["left upper", "right upper", "left lower", "right lower"]) {
    await page.keyboard.press("Tab");
    await eventually(() => page.evaluate(() => document.activeElement?.getAttribute("aria-label"))).toBe(
      `Area 1, ${corner} corner`,
    );
  }
  await page.keyboard.press("Shift+ArrowLeft");
  await page.keyboard.press("ArrowDown");
  await eventually(() => rounded(bench.privacy.settings.zones)).toEqual([[0.02, 0.1, 0.91, 0.11]]);
  await page.keyboard.press("Delete");
  await eventually(() => bench.privacy.settings.zones).toEqual([]);
  await eventually(() => page.evaluate(() => document.activeElement?.textContent)).toBe("Add an area");
});

test("numbers are typed without being overwritten by what the server says meanwhile", async () => {
  const { page, panel } = await bench.openPicture({ zones: [ZONE, { ...ZONE, y: 0.6 }] });
  const second = panel.getByRole("group", { name: "Area 2, in percent" });
  const width = second.getByLabel("Width");
  await width.fill("62.5");
  await bench.untilNextPicture();
  await bench.untilNextPicture();
  expect(await width.inputValue()).toBe("62.5");
  await page.keyboard.press("Enter");
  await eventually(() => bench.privacy.settings.zones[1]).toEqual({ x: 0.1, y: 0.6, width: 0.625, height: 0.2 });
  await second.getByLabel("Left").fill("99");
  await second.getByLabel("Left").blur();
  await eventually(() => bench.privacy.settings.zones[1]?.x).toBe(0.375);
  expect(await second.getByLabel("Left").inputValue()).toBe("37.5");
  await panel.getByRole("button", { name: "Delete area 1" }).click();
  await eventually(() => bench.privacy.settings.zones).toEqual([{ x: 0.375, y: 0.6, width: 0.625, height: 0.2 }]);
});

test("eight areas are the limit, for the button and for the pointer", async () => {
  const opening = await bench.openPicture({
    zones: Array.from({ length: 7 }, (_, i) => ({ ...ZONE, y: 0.02 + i * 0.1, height: 0.05 })),
  });
  const { page, panel } = opening;
  const add = panel.getByRole("button", { name: "Add an area" });
  await add.click();
  await eventually(() => bench.privacy.settings.zones.length).toBe(8);
  await panel.getByText("All 8 areas are in use").waitFor();
  await add.click({ force: true });
  await drag(opening, [0.6, 0.1], [0.9, 0.3]);
  await page.mouse.up();
  expect(await panel.locator(".zone").count()).toBe(8);
  expect(bench.privacy.patches).toHaveLength(1);
});

test("areas are not called hidden while the blur is off", async () => {
  const { panel } = await bench.openPicture({ isEnabled: false, zones: [ZONE] });
  await panel.getByText("The blur is off: viewers see these areas").waitFor();
  await panel.getByRole("switch").press(" ");
  await eventually(() => panel.getByText("The blur is off: viewers see these areas").count()).toBe(0);
});

test("a finger draws sideways, moves what it holds, and scrolls the page beside it", async () => {
  const { page, panel } = await bench.openPicture();
  const touch = await page.context().newCDPSession(page);
  await touch.send("Emulation.setTouchEmulationEnabled", { enabled: true });
  const swipe = async (from: readonly [number, number], to: readonly [number, number]) => {
    const [[x1, y1], [x2, y2]] = [await at(panel, ...from), await at(panel, ...to)];
    await touch.send("Input.dispatchTouchEvent", { type: "touchStart", touchPoints: [{ x: x1, y: y1 }] });
    for (let i = 1; i <= 8; i++) {
      const [x, y] = [x1 + ((x2 - x1) * i) / 8, y1 + ((y2 - y1) * i) / 8];
      await touch.send("Input.dispatchTouchEvent", { type: "touchMove", touchPoints: [{ x, y }] });
    }
    await touch.send("Input.dispatchTouchEvent", { type: "touchEnd", touchPoints: [] });
  };
  await swipe([0.1, 0.3], [0.9, 0.45]);
  await eventually(() => bench.privacy.settings.zones.length).toBe(1);
  expect(rounded(bench.privacy.settings.zones)[0]?.[2]).toBeGreaterThan(0.7);
  await swipe([0.5, 0.4], [0.5, 0.6]);
  await eventually(() => bench.privacy.settings.zones[0]?.y ?? 0).toBeGreaterThan(0.4);
  const before = await page.evaluate(() => window.scrollY);
  await swipe([0.5, 0.95], [0.5, 0.7]);
  await eventually(() => page.evaluate(() => window.scrollY)).toBeGreaterThan(before);
  expect(await panel.locator(".zone").count()).toBe(1);
});
