import { afterEach, expect, test, vi } from "vitest";
import { ApiError } from "../api/client.ts";
import type { Privacy, PrivacySettings } from "../api/types.ts";
import { PrivacyStore } from "./privacy-store.ts";

const SETTINGS: PrivacySettings = {
  isEnabled: false,
  mode: "selective",
  style: "any",
  strength: 2,
  onFailure: "cover",
  zones: [],
};

afterEach(() => {
  vi.useRealTimers();
});

/** A server whose answers come when the test says so, in any order. */
class SlowServer {
  settings = SETTINGS;
  bannerCount = 0;
  readonly changes: Partial<PrivacySettings>[] = [];
  readonly #waiting: (() => void)[] = [];

  privacy = (): Promise<Privacy> => {
    const answer = this.#answer(); // as it was when asked
    return this.#later(() => answer);
  };

  updatePrivacy = (change: Partial<PrivacySettings>): Promise<Privacy> => {
    this.changes.push(change);
    return this.#later(() => {
      if (change.zones !== undefined && change.zones.length > 8) {
        throw new ApiError("PRIVACY_SETTINGS_INVALID", 400, "At most 8 zones");
      }
      this.settings = { ...this.settings, ...change };
      return this.#answer();
    });
  };

  /** Lets the oldest request that waits have its answer. */
  async answer(index = 0): Promise<void> {
    this.#waiting.splice(index, 1)[0]?.();
    for (let i = 0; i < 5; i++) await Promise.resolve();
  }

  #answer(): Privacy {
    const status = {
      state: "watching",
      isEncoding: false,
      regions: [],
      bannerCount: this.bannerCount,
      lastHiddenAtMs: null,
      restartCount: 0,
      cpuPercent: null,
      addedLatencyMs: null,
      message: null,
    } as const;
    return { isAvailable: true, unavailableReason: null, settings: this.settings, status };
  }

  async #later(answer: () => Privacy): Promise<Privacy> {
    await new Promise<void>((resolve) => this.#waiting.push(resolve));
    return answer();
  }
}

async function opened() {
  const server = new SlowServer();
  const store = new PrivacyStore(server);
  void store.refresh();
  await server.answer();
  return { server, store };
}

const zone = { x: 0, y: 0, width: 0.5, height: 0.1 };

test("a change is shown before the server has answered, and stays when it agrees", async () => {
  const { server, store } = await opened();
  store.save({ isEnabled: true }, "On");
  expect(store.settings.value?.isEnabled).toBe(true);
  expect(store.said.value).toBe("");
  await server.answer();
  expect(store.settings.value?.isEnabled).toBe(true);
  expect(store.said.value).toBe("On");
  expect(server.changes).toEqual([{ isEnabled: true }]);
});

test("a change that the server refuses is undone with its reason, and the next one clears the reason", async () => {
  const { server, store } = await opened();
  store.save({ zones: Array.from({ length: 9 }, () => zone) }, "Saved");
  expect(store.settings.value?.zones).toHaveLength(9);
  await server.answer();
  expect(store.settings.value).toEqual(SETTINGS);
  expect(store.problem.value).toBe("Not saved, so it is as it was before. At most 8 zones");
  expect(store.said.value).toBe("");
  store.save({ strength: 3 }, "Saved");
  await server.answer();
  expect(store.problem.value).toBeUndefined();
});

test("changes made while one is under way are sent together after it", async () => {
  const { server, store } = await opened();
  store.save({ strength: 1 }, "first");
  store.save({ strength: 3 }, "second");
  store.save({ style: "ios" }, "third");
  expect(server.changes).toEqual([{ strength: 1 }]);
  await server.answer();
  expect(server.changes).toEqual([{ strength: 1 }, { strength: 3, style: "ios" }]);
  expect(store.settings.value).toMatchObject({ strength: 3, style: "ios" });
  await server.answer();
  expect(store.said.value).toBe("third");
  expect(server.settings).toMatchObject({ strength: 3, style: "ios" });
});

test("a refusal undoes its own change only", async () => {
  const { server, store } = await opened();
  store.save({ zones: Array.from({ length: 9 }, () => zone) }, "areas");
  store.save({ strength: 1 }, "strength");
  await server.answer();
  expect(store.settings.value).toEqual({ ...SETTINGS, strength: 1 });
  await server.answer();
  expect(server.settings).toEqual({ ...SETTINGS, strength: 1 });
});

test("an answer that was asked for before a change ended brings the status and not the old settings", async () => {
  const { server, store } = await opened();
  server.bannerCount = 5;
  void store.refresh();
  store.save({ isEnabled: true }, "On");
  await server.answer(1);
  await server.answer();
  expect(store.word.value?.status.bannerCount).toBe(5);
  expect(store.settings.value?.isEnabled).toBe(true);
  server.settings = { ...server.settings, isEnabled: false }; // somebody else, in another tab
  void store.refresh();
  await server.answer();
  expect(store.settings.value?.isEnabled).toBe(false);
});

test("a key held down is saved once, when it has been quiet", async () => {
  vi.useFakeTimers();
  const { server, store } = await opened();
  for (let i = 1; i <= 20; i++) {
    store.stage({ zones: [{ ...zone, x: i / 100 }] }, "moved", 400);
    vi.advanceTimersByTime(30);
  }
  expect(server.changes).toEqual([]);
  vi.advanceTimersByTime(400);
  expect(server.changes).toEqual([{ zones: [{ ...zone, x: 0.2 }] }]);
});

test("a drag that goes on while a change is under way is not sent before it ends", async () => {
  const { server, store } = await opened();
  store.save({ strength: 1 }, "strength");
  store.stage({ zones: [zone] }, "drawn");
  await server.answer();
  expect(server.changes).toEqual([{ strength: 1 }]);
  expect(store.settings.value?.zones).toEqual([zone]);
  store.unstage();
  expect(store.settings.value?.zones).toEqual([]);
  store.flush();
  expect(server.changes).toHaveLength(1);
});

test("a drag that is given up does not take with it what was saved before", async () => {
  const { server, store } = await opened();
  store.save({ strength: 1 }, "strength");
  store.stage({ zones: [zone] }, "moved by keys", 400);
  store.flush(); // the pointer goes down
  store.stage({ zones: [{ ...zone, x: 0.4 }] }, "dragged");
  store.unstage(); // Escape
  await server.answer();
  await server.answer();
  expect(server.changes).toEqual([{ strength: 1 }, { zones: [zone] }]);
  expect(store.settings.value?.zones).toEqual([zone]);
});
