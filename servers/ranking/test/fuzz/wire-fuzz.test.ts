import { createRandom, seeds } from "@kagami/clock";
import { expect, test } from "vitest";
import { Args } from "../../src/protocol/args.ts";
import { REQUEST_BROKEN, REQUEST_MORE, RequestParser } from "../../src/protocol/request-parser.ts";
import { startServer } from "../support/start-server.ts";
import { request, WireClient } from "../support/wire-client.ts";
import { brokenRequests } from "./broken-requests.ts";
import { countReplies } from "./reply-check.ts";

const PING = request("PING");

test.each(seeds(8))(
  "broken requests never make the parser throw, loop or ask for room without end, seed %i",
  (seed) => {
    const random = createRandom(seed);
    const outcomes = new Set<string>();
    for (let round = 0; round < 400; round++) {
      const bytes = Buffer.from(brokenRequests(random), "latin1");
      const parser = new RequestParser();
      parser.maxBulkBytes = 1_000_000;
      let at = 0;
      for (let step = 0; at < bytes.length; step++) {
        expect(step).toBeLessThanOrEqual(bytes.length);
        const next = parser.parse(bytes, at, bytes.length, new Args(), random.chance(0.5));
        if (next === REQUEST_MORE) {
          // What it waits for is one value more, however large the numbers are that came.
          expect(parser.neededBytes).toBeLessThanOrEqual(bytes.length + 1_000_100);
          outcomes.add("more");
          break;
        }
        if (next === REQUEST_BROKEN) {
          expect(parser.error).toMatch(/^ERR Protocol error: /);
          outcomes.add("broken");
          break;
        }
        expect(next).toBeGreaterThan(at);
        outcomes.add("whole");
        at = next;
      }
    }
    expect([...outcomes].toSorted()).toEqual(["broken", "more", "whole"]);
  },
);

test("clients that send broken requests get whole replies and are cut off; others are served on", async () => {
  const server = await startServer({ maxRequestBytes: 200_000 });
  const random = createRandom(99);
  const witness = await WireClient.open(server.address);
  let refused = 0;
  try {
    for (let round = 0; round < 300; round++) {
      const client = await WireClient.open(server.address);
      const text = brokenRequests(random);
      for (let at = 0; at < text.length; ) {
        const size = random.pick([1, 7, 50, 5_000]);
        client.send(text.slice(at, at + size));
        at += size;
      }
      client.socket.end();
      const received = await client.untilClosed();
      countReplies(Buffer.from(received, "latin1"));
      if (received.includes("-ERR Protocol error")) refused++;
      if (round % 20 === 0) expect(await witness.ask(PING, "+PONG\r\n")).toBe("+PONG\r\n");
    }
    expect(refused).toBeGreaterThan(50);
    expect(await witness.ask(PING, "+PONG\r\n")).toBe("+PONG\r\n");
    expect(server.engine.sessions.count).toBe(1);
    expect(server.engine.blocked.count).toBe(0);
  } finally {
    witness.close();
    await server.close(0);
  }
});
