import { createRandom, FakeClock, seeds } from "@kagami/clock";
import { expect, test } from "vitest";
import { type FakeLink, FakeNetwork, type FakeSocket, type LinkConditions } from "./fake-network.ts";

function makeLink(seed: number, conditions: LinkConditions = {}): { clock: FakeClock; link: FakeLink } {
  const clock = new FakeClock();
  return { clock, link: new FakeNetwork(clock, createRandom(seed), conditions).connect() };
}

/** Notes everything a socket is told, with times. */
function record(socket: FakeSocket, clock: FakeClock) {
  const heard = { bytes: [] as number[], pieceSizes: [] as number[], events: [] as string[] };
  socket.handle({
    onData: (bytes) => {
      heard.bytes.push(...bytes);
      heard.pieceSizes.push(bytes.length);
    },
    onEnd: () => heard.events.push(`end@${clock.monotonicMs()}`),
    onDrain: () => heard.events.push("drain"),
    onClose: (reason) => heard.events.push(`${reason}@${clock.monotonicMs()}`),
  });
  return heard;
}

test.each(seeds(50))("bytes arrive all, once and in order, in pieces, seed %i", (seed) => {
  const { clock, link } = makeLink(seed, { latencyMs: { min: 1, max: 80 }, maxChunkBytes: 7 });
  const heard = record(link.server, clock);
  const sent = [...createRandom(seed).bytes(300)];
  for (let start = 0; start < sent.length; start += 50) {
    link.client.write(Uint8Array.from(sent.slice(start, start + 50)));
    clock.advance(3);
  }
  clock.advance(1_000);
  expect(heard.bytes).toEqual(sent);
  expect(Math.max(...heard.pieceSizes)).toBeLessThanOrEqual(7);
  expect(link.client.bufferedBytes).toBe(0);
});

test("one seed gives the same run, another a different one", () => {
  const run = (seed: number) => {
    const { clock, link } = makeLink(seed, { maxChunkBytes: 20 });
    const heard = record(link.server, clock);
    link.client.write(new Uint8Array(500));
    clock.advance(1);
    return heard.pieceSizes;
  };
  expect(run(5)).toEqual(run(5));
  expect(run(5)).not.toEqual(run(6));
});

test("latency holds the bytes back, and bandwidth spreads them over time", () => {
  const { clock, link } = makeLink(1, { latencyMs: { min: 20, max: 20 }, bandwidthBytesPerS: 1_000 });
  const heard = record(link.server, clock);
  link.client.write(new Uint8Array(500));
  clock.advance(20);
  expect(heard.bytes.length).toBe(0);
  clock.advance(499);
  expect(heard.bytes.length).toBeLessThan(500);
  clock.advance(1);
  expect(heard.bytes.length).toBe(500);
});

test("a full buffer says stop, and says when there is room again", () => {
  const { clock, link } = makeLink(1, { bandwidthBytesPerS: 1_000, bufferBytes: 100, maxChunkBytes: 10 });
  const heard = record(link.client, clock);
  expect(link.client.write(new Uint8Array(99))).toBe(true);
  expect(link.client.write(new Uint8Array(1))).toBe(false);
  clock.advance(40);
  expect(heard.events).toEqual([]);
  clock.advance(60);
  expect(heard.events).toEqual(["drain"]);
});

test("both ends close once both have ended, each after it has everything", () => {
  const { clock, link } = makeLink(1, { latencyMs: { min: 10, max: 10 } });
  const client = record(link.client, clock);
  const server = record(link.server, clock);
  link.client.write(Uint8Array.of(1));
  link.client.end();
  clock.advance(10);
  expect(server).toMatchObject({ bytes: [1], events: ["end@10"] });
  link.server.write(Uint8Array.of(2));
  link.server.end();
  clock.advance(10);
  expect(client).toMatchObject({ bytes: [2], events: ["end@20", "ended@20"] });
  expect(server.events).toEqual(["end@10", "ended@10"]);
  expect(link.client.write(Uint8Array.of(3))).toBe(false);
});

test("a cut loses what is on its way and resets both ends", () => {
  const { clock, link } = makeLink(1, { latencyMs: { min: 10, max: 10 } });
  const client = record(link.client, clock);
  const server = record(link.server, clock);
  link.client.write(Uint8Array.of(1, 2, 3));
  clock.advance(5);
  link.cut();
  clock.advance(100);
  expect(server).toMatchObject({ bytes: [], events: ["reset@15"] });
  expect(client.events).toEqual(["reset@15"]);
});

test("destroying one end resets the other and sends nothing more", () => {
  const { clock, link } = makeLink(1);
  const client = record(link.client, clock);
  const server = record(link.server, clock);
  link.server.write(Uint8Array.of(9));
  link.server.destroy();
  clock.advance(1);
  expect(server.events).toEqual(["destroyed@0"]);
  expect(client).toMatchObject({ bytes: [], events: ["reset@0"] });
});

test("on a silent link nothing arrives and nobody is told, not even of a cut", () => {
  const { clock, link } = makeLink(1);
  const server = record(link.server, clock);
  const client = record(link.client, clock);
  link.goSilent("toServer");
  link.client.write(Uint8Array.of(1));
  link.server.write(Uint8Array.of(2));
  link.client.destroy();
  clock.advance(60_000);
  expect(server).toMatchObject({ bytes: [], events: [] });
  expect(client.events).toEqual(["destroyed@0"]);
});

test("a stalled link delivers everything after it resumes", () => {
  const { clock, link } = makeLink(1, { maxChunkBytes: 3 });
  const server = record(link.server, clock);
  link.stall();
  link.client.write(Uint8Array.of(1, 2, 3, 4, 5));
  link.client.end();
  clock.advance(10_000);
  expect(server).toMatchObject({ bytes: [], events: [] });
  link.resume();
  link.client.write(Uint8Array.of(6));
  clock.advance(1);
  expect(server.bytes).toEqual([1, 2, 3, 4, 5]);
  expect(server.events).toEqual(["end@10000"]);
});

test("what was held during a stall arrives before what is still on its way when it ends", () => {
  const { clock, link } = makeLink(1, { latencyMs: { min: 10, max: 10 } });
  const heard = record(link.server, clock);
  link.stall();
  link.client.write(Uint8Array.of(1));
  clock.advance(20);
  link.client.write(Uint8Array.of(2));
  clock.advance(5);
  link.resume();
  clock.advance(50);
  expect(heard.bytes).toEqual([1, 2]);
});
