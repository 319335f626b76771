import { FakeClock } from "@kagami/clock";
import { createLogger, Metrics } from "@kagami/kit";
import { beforeAll, beforeEach, describe, expect, test } from "vitest";
import { type Clip, encodeClip, shiftMessages } from "../../test/support/index.ts";
import { DeliveryCounters } from "../delivery/delivery-counters.ts";
import { SimulatedSocket } from "../delivery/simulated-socket.ts";
import { DEFAULT_GATE_LIMITS } from "../engine/privacy/gate-types.ts";
import { IngestCounters } from "../ingest/ingest-counters.ts";
import type { BroadcastSink } from "./broadcast.ts";
import { Channel, type PublisherSession } from "./channel.ts";
import { PrivacyCounters } from "./privacy-counters.ts";
import { defaultPrivacy } from "./privacy-settings.ts";

const GRACE_MS = 10_000;

let clip: Clip;
beforeAll(async () => {
  clip = await encodeClip({ seconds: 2, gop: 10 });
});

class World {
  readonly clock = new FakeClock();
  readonly channel: Channel;
  readonly ends: string[] = [];
  readonly events: string[] = [];
  idleCount = 0;
  sinksOpen = 0;

  constructor() {
    const metrics = new Metrics();
    const write = (line: string) => void this.events.push((JSON.parse(line) as { event: string }).event);
    this.channel = new Channel({
      name: "game",
      timing: {
        monotonicMs: () => this.clock.monotonicMs(),
        wallMs: () => this.clock.wallMs(),
        setTimer: (run, delayMs) => this.clock.after(delayMs, run),
      },
      graceMs: GRACE_MS,
      mergeMs: 33,
      gopCacheBytes: 1 << 20,
      hlsPartMs: 200,
      hlsWindowBytes: 1 << 24,
      viewerLimits: { maxBufferedBytes: 1 << 20, lagLimitUs: 2_500_000, resumeLagUs: 1_000_000, stallLimitMs: 60_000 },
      deliveryCounters: new DeliveryCounters(metrics),
      ingestCounters: new IngestCounters(metrics),
      log: createLogger({ format: "json", clock: this.clock, sink: { write, flush: async () => undefined } }),
      openSink: () => this.#sink(),
      privacy: {
        host: { unavailableReason: undefined, openStream: () => expect.unreachable("no channel is protected") },
        limits: DEFAULT_GATE_LIMITS,
        counters: new PrivacyCounters(metrics),
      },
      privacySettings: () => defaultPrivacy("cover"),
      onIdle: () => {
        this.idleCount++;
      },
    });
  }

  publish(name: string): PublisherSession {
    return this.channel.publish({ leave: (reason) => void this.ends.push(`${name}: ${reason}`) });
  }

  /** Two seconds of media at their own pace. */
  play(session: PublisherSession): void {
    const startMs = this.clock.monotonicMs();
    for (const { messageType, timestampMs, body } of [...clip.headers, ...shiftMessages(clip.media, 1)]) {
      const waitMs = startMs + timestampMs - this.clock.monotonicMs();
      if (waitMs > 0) this.clock.advance(waitMs);
      session.onMedia(messageType, timestampMs, body);
    }
    this.clock.advance(200);
  }

  #sink(): BroadcastSink {
    this.sinksOpen++;
    return {
      onInit: () => undefined,
      onUnit: () => undefined,
      end: async () => {
        this.sinksOpen--;
      },
    };
  }
}

let world: World;
beforeEach(() => {
  world = new World();
});

describe("Channel", () => {
  test("waits, is live while somebody publishes, interrupted for the grace time, and waits again", () => {
    const { channel, clock } = world;
    const viewer = new SimulatedSocket();
    channel.addViewer(viewer);
    expect([channel.state, channel.isLive]).toEqual(["waiting", false]);
    const session = world.publish("first");
    world.play(session);
    expect([channel.state, channel.hasPublisher]).toEqual(["live", true]);
    session.end();
    expect([channel.state, channel.isLive, channel.hasPublisher]).toEqual(["interrupted", true, false]);
    clock.advance(GRACE_MS - 1);
    expect(channel.state).toBe("interrupted");
    expect(viewer.left).toBeUndefined();
    clock.advance(1);
    expect(channel.state).toBe("waiting");
    expect(viewer.left).toBe("ended");
    expect(viewer.states).toEqual(["waiting", "live", "interrupted", "ended"]);
    expect(world.sinksOpen).toBe(0);
  });

  test("goes on with the same broadcast when the publisher returns within the grace time", () => {
    const { channel, clock } = world;
    const viewer = new SimulatedSocket();
    channel.addViewer(viewer);
    const first = world.publish("first");
    world.play(first);
    const { broadcast } = channel;
    first.end();
    clock.advance(GRACE_MS - 1);
    const second = world.publish("second");
    clock.advance(GRACE_MS);
    expect(channel.broadcast).toBe(broadcast);
    expect(channel.broadcast?.reconnectCount).toBe(1);
    const before = viewer.byteCount;
    world.play(second);
    expect(viewer.byteCount).toBeGreaterThan(before);
    expect(viewer.states).toEqual(["waiting", "live", "interrupted", "live"]);
    expect(viewer.left).toBeUndefined();
  });

  test("lets a second publisher take over, and hears nothing more of the first", () => {
    const { channel } = world;
    const viewer = new SimulatedSocket();
    channel.addViewer(viewer);
    const first = world.publish("first");
    world.play(first);
    const second = world.publish("second");
    expect(world.ends).toEqual(["first: taken-over"]);
    const before = viewer.byteCount;
    world.play(first);
    first.setEncoder("impostor");
    first.end();
    expect(viewer.byteCount).toBe(before);
    expect(channel.broadcast?.encoder).toBeUndefined();
    expect(channel.state).toBe("live");
    world.play(second);
    expect(viewer.byteCount).toBeGreaterThan(before);
  });

  test("after the grace time begins another broadcast, from zero", () => {
    const { channel, clock } = world;
    const first = world.publish("first");
    world.play(first);
    const before = channel.broadcast;
    first.end();
    clock.advance(GRACE_MS);
    expect(channel.hlsBroadcast, "the playlist can still be had").toBe(before);
    const second = world.publish("second");
    world.play(second);
    expect(channel.broadcast).not.toBe(before);
    expect(channel.hlsBroadcast).toBe(channel.broadcast);
    expect(channel.broadcast?.reconnectCount).toBe(0);
    expect(channel.broadcast?.clock?.mediaMs).toBeLessThan(2_100);
  });

  test.each(["stopped", "restarting"] as const)(
    "is %s: the publisher and every viewer are told why",
    async (reason) => {
      const { channel, clock } = world;
      const viewer = new SimulatedSocket();
      channel.addViewer(viewer);
      const session = world.publish("first");
      world.play(session);
      await channel.stop(reason);
      expect(world.ends).toEqual([`first: ${reason}`]);
      expect(viewer.left).toBe(reason === "stopped" ? "ended" : "restarting");
      session.end();
      world.play(session);
      clock.advance(GRACE_MS);
      expect(channel.state).toBe("waiting");
      expect(world.events.filter((event) => event === "broadcast.ended")).toHaveLength(1);
    },
  );

  test("is idle, and holds nothing, once nobody publishes, watches or could still ask for its playlist", () => {
    const { channel, clock } = world;
    const seat = channel.addViewer(new SimulatedSocket());
    const session = world.publish("first");
    world.play(session);
    expect(channel.memory.gopCache).toBeGreaterThan(0);
    session.end();
    clock.advance(GRACE_MS);
    channel.removeViewer(seat);
    expect(world.idleCount).toBe(0);
    clock.advance(30_000);
    expect(world.idleCount).toBe(1);
    expect(channel.memory).toEqual({ gopCache: 0, hlsWindow: 0, merging: 0, privacy: 0 });
    expect(clock.pendingCount).toBe(0);
  });

  test("closed for good leaves no timer, whatever state it was in", async () => {
    for (const prepare of [
      () => undefined,
      () => world.play(world.publish("live")),
      () => world.publish("interrupted").end(),
    ]) {
      world = new World();
      prepare();
      await world.channel.close();
      expect(world.clock.pendingCount).toBe(0);
      expect(world.sinksOpen).toBe(0);
    }
  });

  test("shows a gap in the playlist while the publisher is away, and wakes who waits for it", () => {
    const { channel, clock } = world;
    const session = world.publish("first");
    world.play(session);
    const hls = channel.broadcast?.hls;
    const version = hls?.version ?? 0;
    let wokenCount = 0;
    channel.broadcast?.hlsListeners.add(() => wokenCount++);
    session.end();
    clock.advance(GRACE_MS - 1_000);
    expect(hls?.version).toBeGreaterThan(version);
    expect(wokenCount).toBeGreaterThan(0);
    const answer = hls?.playlist();
    expect(answer?.kind === "ready" && answer.text).toMatch(/#EXT-X-GAP/);
  });

  test("one line says what is wrong with messages, and a metric how often", () => {
    const session = world.publish("first");
    for (let i = 0; i < 50; i++) session.onMedia(9, i, Uint8Array.of(0x17, 0, 0, 0, 0, 1, 2));
    expect(world.events.filter((event) => event === "publisher.message_refused")).toHaveLength(1);
  });
});
