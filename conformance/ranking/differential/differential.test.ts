import { createServer, connect as openSocket, type Server } from "node:net";
import { type Reference, startRedis } from "@kagami/testkit";
import { afterAll, beforeAll, expect, test } from "vitest";
import { encodeCommand } from "../redis-connection.ts";
import { FAMILIES } from "./families/index.ts";
import { compareServers, describeDifference } from "./harness.ts";
import type { Address } from "./player.ts";
import { shrink } from "./shrink.ts";

const COMMANDS_PER_FAMILY = 1_500;

let first: Reference;
let second: Reference;

beforeAll(async () => {
  [first, second] = await Promise.all([startRedis(), startRedis()]);
});
afterAll(() => Promise.all([first.stop(), second.stop()]));

function addressOf({ port }: { readonly port: number }): Address {
  return { host: "127.0.0.1", port };
}

test.each(FAMILIES)("$name: two servers of the same version show no difference", async (family) => {
  const options = { ours: addressOf(first), theirs: addressOf(second), families: [family], seed: 7 };
  const { differences, commandCount } = await compareServers({ ...options, commandCount: COMMANDS_PER_FAMILY });
  expect(differences.map(describeDifference).join("\n")).toBe("");
  expect(commandCount).toBeGreaterThanOrEqual(COMMANDS_PER_FAMILY);
});

test.each([
  { from: "INCR", to: "DECR", families: "strings", why: "a wrong reply" },
  { from: "LPUSH", to: "RPUSH", families: "lists", why: "a right reply with a wrong state" },
  { from: "ZREVRANK", to: "ZRANK", families: "sorted-sets", why: "a wrong place" },
  { from: "SPOP", to: "SRANDMEMBER", families: "sets", why: "a random command that leaves what it should take" },
  { from: "PERSIST", to: "EXISTS", families: "keys", why: "an expiry that stays" },
])("a server that takes $from for $to is caught: $why", async ({ from, to, families }) => {
  const broken = await startBroken(first.port, from, to);
  try {
    const result = await compareServers({
      ours: addressOf(broken),
      theirs: addressOf(second),
      families: FAMILIES.filter(({ name }) => name === families),
      seed: 3,
      commandCount: 20_000,
    });
    const [difference] = result.differences;
    expect(difference && describeDifference(difference)).toMatch(new RegExp(from, "i"));
    expect(difference?.steps.length).toBeLessThanOrEqual(4);
  } finally {
    await broken.stop();
  }
});

test("shrinking keeps what is needed, in its order, and nothing else", async () => {
  const items = Array.from({ length: 200 }, (_, i) => i);
  const needed = [3, 77, 78, 199];
  const isFailing = (kept: readonly number[]) => Promise.resolve(needed.every((item) => kept.includes(item)));
  expect(await shrink(items, isFailing)).toEqual(needed);
});

/** A proxy before a good server that sends it another command than it was given, of the same form. */
async function startBroken(targetPort: number, from: string, to: string) {
  const wanted = encodeCommand([from]).subarray(4).toString("latin1"); // without the count of arguments
  const given = encodeCommand([to]).subarray(4).toString("latin1");
  const server: Server = createServer({ allowHalfOpen: true }, (client) => {
    const target = openSocket({ port: targetPort, host: "127.0.0.1", allowHalfOpen: true });
    client.on("data", (chunk) => target.write(chunk.toString("latin1").replaceAll(wanted, given), "latin1"));
    client.on("end", () => target.end());
    target.on("data", (chunk) => client.write(chunk));
    target.on("end", () => client.end());
    for (const socket of [client, target]) {
      socket.on("error", () => socket.destroy()); // the other end went away, which ends this one too
      socket.on("close", () => (socket === client ? target : client).destroy());
    }
  });
  await new Promise<void>((resolve) => server.listen({ port: 0, host: "127.0.0.1" }, resolve));
  const address = server.address();
  const port = typeof address === "object" && address !== null ? address.port : 0;
  return { port, stop: () => new Promise((resolve) => server.close(resolve)) };
}
