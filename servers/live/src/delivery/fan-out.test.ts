import { createRandom, seeds } from "@kagami/clock";
import { describe, expect, test } from "vitest";
import { FanOutWorld, FRAME_MS } from "./fan-out-world.ts";

test("a message that goes with the media costs no write of its own and comes before it, once", () => {
  const world = new FanOutWorld({ mergeMs: 100 });
  world.init();
  world.play(30);
  const viewer = world.join();
  world.play(10);
  const before = { writeCount: viewer.writeCount, length: viewer.log.length };
  world.fanOut.tellWithMedia({ type: "clock" });
  world.play(3);
  world.play(6);
  const since = viewer.log.slice(before.length);
  expect(since.filter((entry) => entry === "notice 0")).toHaveLength(1);
  expect(since[0]).toBe("notice 0");
  expect(viewer.writeCount - before.writeCount).toBe(3);
  expect(viewer.brokenVideo).toEqual([]);
});

describe("a newcomer", () => {
  test("gets the initialization and every picture since the key frame once, then what follows", () => {
    const world = new FanOutWorld();
    world.init();
    world.play(40, 30);
    const viewer = world.join();
    expect(viewer.log.slice(0, 2)).toEqual(["init 1", "clock"]);
    world.play(40, 30);
    expect(viewer.video.map(({ n }) => n)).toEqual(Array.from({ length: 50 }, (_, i) => 30 + i));
    expect(viewer.brokenVideo).toEqual([]);
  });

  test("that joins while media waits to be merged starts with the burst it waits for, not twice", () => {
    const world = new FanOutWorld({ mergeMs: 500 });
    world.init();
    world.play(20, 100);
    const viewer = world.join();
    expect(viewer.received).toEqual([]);
    world.play(40, 100);
    expect(viewer.brokenVideo).toEqual([]);
    expect(viewer.video[0]).toMatchObject({ n: 0, isKey: true });
    const sounds = viewer.audio.map(({ n }) => n);
    expect(new Set(sounds).size).toBe(sounds.length);
  });

  test("whose first burst is ended by a key frame gets that key frame once", () => {
    const world = new FanOutWorld({ mergeMs: 500 });
    world.init();
    world.video(true);
    world.clock.advance(1);
    world.video();
    const viewer = world.join();
    world.clock.advance(1);
    world.video(true);
    world.clock.advance(2_000);
    expect(viewer.brokenVideo).toEqual([]);
    expect(viewer.video.filter(({ isKey }) => isKey).map(({ n }) => n)).toContain(2);
  });

  test("waits for a key frame if the group of pictures outgrew the cache", () => {
    const world = new FanOutWorld({ gopCacheBytes: 500 });
    world.init();
    world.play(100, 200);
    const viewer = world.join();
    world.play(50, 200);
    expect(viewer.received).toEqual([]);
    world.play(100, 200);
    expect(viewer.video[0]).toMatchObject({ n: 200, isKey: true });
    expect(viewer.brokenVideo).toEqual([]);
  });

  test("of a channel without broadcast gets nothing until there is one", () => {
    const world = new FanOutWorld();
    const viewer = world.join();
    world.clock.advance(10_000);
    expect(viewer.received).toEqual([]);
    world.init();
    world.play(5);
    expect(viewer.log.slice(0, 2)).toEqual(["init 1", "clock"]);
    expect(viewer.video.map(({ n }) => n)).toEqual([0, 1, 2, 3, 4]);
  });

  test("of a stream without picture hears the last second at once", () => {
    const world = new FanOutWorld();
    world.init({ hasVideo: false });
    for (let i = 0; i < 100; i++) {
      world.audio();
      world.clock.advance(FRAME_MS);
    }
    const viewer = world.join();
    expect(viewer.audio.length).toBeGreaterThan(25);
    expect(viewer.audio.length).toBeLessThan(35);
  });
});

describe("a viewer that is too slow", () => {
  test("loses the picture, and is told of the gap before the key frame that it goes on at", () => {
    const world = new FanOutWorld();
    world.init();
    const viewer = world.join();
    world.play(10, 30);
    viewer.stall();
    world.play(60, 30);
    viewer.drain();
    world.play(60, 30);
    expect(viewer.brokenVideo).toEqual([]);
    const gap = viewer.told.find(({ type }) => type === "gap");
    const resumed = viewer.video.findIndex(({ n }, i) => i > 0 && n !== (viewer.video[i - 1]?.n ?? 0) + 1);
    expect(viewer.video[resumed]).toMatchObject({ isKey: true });
    expect(gap?.toMs).toBe(viewer.video[resumed]?.ms);
    expect(gap?.fromMs).toBe((viewer.video[resumed - 1]?.ms ?? 0) + FRAME_MS);
    expect(viewer.log[viewer.log.indexOf("gap") + 1]).toMatch(/^video/);
    expect(world.fanOut.droppedFrameCount).toBeGreaterThan(0);
  });

  test("goes on within the group of pictures without a hole, and without a gap message", () => {
    const world = new FanOutWorld();
    world.init();
    const viewer = world.join();
    world.play(10, 1_000);
    viewer.stall();
    world.play(80, 1_000);
    const heldBack = viewer.video.length;
    expect(heldBack).toBeLessThan(90);
    viewer.drain();
    world.play(10, 1_000);
    expect(viewer.video.map(({ n }) => n)).toEqual(Array.from({ length: 100 }, (_, i) => i));
    expect(viewer.told.some(({ type }) => type === "gap")).toBe(false);
  });

  test("keeps hearing sound while only its acknowledgements are late", () => {
    const world = new FanOutWorld();
    world.init();
    const viewer = world.join();
    viewer.seat?.policy.onAck(1, 0);
    world.play(200, 30);
    const [first, last] = [viewer.video.at(-1)?.ms ?? 0, viewer.audio.at(-1)?.ms ?? 0];
    expect(first).toBeLessThan(3_000);
    expect(last).toBeGreaterThan(6_000);
    viewer.seat?.policy.onAck(world.nowMs * 1000, world.nowMs);
    world.play(40, 30);
    expect(viewer.video.at(-1)?.ms).toBeGreaterThan(7_000);
    expect(viewer.brokenVideo).toEqual([]);
  });

  test("that resumed with a burst of sound alone is not sent pictures again when it resumes next", () => {
    const world = new FanOutWorld();
    world.init();
    const viewer = world.join();
    world.play(10, 1_000);
    for (let round = 0; round < 2; round++) {
      viewer.stall();
      world.play(80, 1_000);
      viewer.drain();
      world.audio();
      world.fanOut.flush();
    }
    world.play(5, 1_000);
    expect(viewer.brokenVideo).toEqual([]);
  });

  test("waits for the next key frame when what it missed is not kept any more", () => {
    const world = new FanOutWorld({ gopCacheBytes: 2_000 });
    world.init();
    const viewer = world.join();
    world.play(10, 300);
    viewer.stall();
    world.play(200, 300);
    viewer.drain();
    world.play(150, 300);
    expect(viewer.brokenVideo).toEqual([]);
    expect(viewer.video.at(-1)?.n).toBe(359);
  });

  test("has no more waiting than the limit and one burst", () => {
    const world = new FanOutWorld({ limits: { maxBufferedBytes: 4_000 } });
    world.init();
    const viewer = world.join();
    viewer.stall();
    world.play(1_000, 30);
    expect(viewer.peakBufferedBytes).toBeLessThan(4_000 + 400);
  });

  test("is sent away when it took nothing for the stall limit, and is written to no more", () => {
    const world = new FanOutWorld({ limits: { stallLimitMs: 5_000 } });
    world.init();
    const viewer = world.join();
    const healthy = world.join();
    world.play(10);
    viewer.stall();
    world.play(300);
    expect(viewer.left).toBe("too-slow");
    world.init();
    world.play(10);
    expect(viewer.writesAfterLeaving).toBe(0);
    expect(healthy.video).toHaveLength(320);
  });
});

describe("a change of tracks", () => {
  test("reaches viewers between the media of before and after, those that are paused too", () => {
    const world = new FanOutWorld();
    world.init();
    const [healthy, slow] = [world.join(), world.join()];
    world.play(20, 1_000);
    slow.stall();
    world.play(60, 1_000);
    world.init();
    world.video(true);
    slow.drain();
    world.play(10, 1_000);
    for (const viewer of [healthy, slow]) {
      expect(viewer.brokenVideo).toEqual([]);
      expect(viewer.received.filter(({ kind }) => kind === "init").map(({ n }) => n)).toEqual([1, 2]);
      expect(viewer.video.at(-1)?.n).toBe(90);
    }
    expect(healthy.log.indexOf("init 2")).toBe(healthy.log.indexOf("video 79") + 1);
  });
});

describe("the end of a broadcast", () => {
  test("sends everybody away, and who comes for the next one gets nothing of this one", () => {
    const world = new FanOutWorld();
    world.init();
    const first = world.join();
    world.play(20);
    world.fanOut.leave("ended");
    world.fanOut.reset();
    world.gopCache.clear();
    expect(first.left).toBe("ended");
    const second = world.join();
    expect(second.received).toEqual([]);
    world.init();
    world.video(true);
    world.play(40);
    expect(second.log[0]).toBe("init 2");
    expect(second.brokenVideo).toEqual([]);
    expect(first.writesAfterLeaving).toBe(0);
  });

  test("with picture is followed by one of sound alone, which newcomers hear at once", () => {
    const world = new FanOutWorld();
    world.init();
    world.play(20);
    world.fanOut.leave("ended");
    world.fanOut.reset();
    world.gopCache.clear();
    world.init({ hasVideo: false });
    for (let i = 0; i < 10; i++) {
      world.audio();
      world.clock.advance(FRAME_MS);
    }
    expect(world.join().audio.length).toBeGreaterThan(5);
  });
});

test.each(seeds(150))("whatever happens, every viewer's picture decodes and stays bounded, seed %i", (seed) => {
  const random = createRandom(seed);
  const gop = random.pick([5, 30, 90, 1_000]);
  const gopCacheBytes = random.pick([1_500, 1 << 20]);
  const world = new FanOutWorld({ mergeMs: random.pick([0, 33, 100]), gopCacheBytes, limits: { stallLimitMs: 8_000 } });
  const viewers = [world.join()];
  world.init();
  for (let step = 0; step < 400; step++) {
    if (random.chance(0.02)) viewers.push(world.join());
    if (random.chance(0.01)) {
      world.init();
      world.video(true);
    }
    const viewer = random.pick(viewers);
    if (random.chance(0.05)) viewer.stall();
    if (random.chance(0.08)) viewer.drain();
    if (random.chance(0.03)) viewer.seat?.policy.onAck(world.nowMs * 1000 - random.int(0, 2_000_000), world.nowMs);
    if (random.chance(0.01) && viewer.seat) world.fanOut.remove(viewer.seat);
    for (let i = random.int(0, 2); i > 0; i--) world.audio();
    // A publisher's clock that stands still gives several pictures the same time.
    if (world.videoCount > 0 && random.chance(0.2)) world.video();
    if (random.chance(0.9)) world.play(random.int(1, 3), gop);
    else world.clock.advance(random.int(1, 300));
  }
  for (const viewer of viewers) {
    expect(viewer.brokenVideo).toEqual([]);
    const sounds = viewer.audio.map(({ n }) => n);
    expect(sounds).toEqual([...new Set(sounds)].sort((a, b) => a - b));
    expect(viewer.writesAfterLeaving).toBe(0);
  }
  expect(world.fanOut.viewerCount).toBeLessThanOrEqual(viewers.length);
});
