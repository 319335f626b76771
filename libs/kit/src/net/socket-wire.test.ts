import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Socket } from "node:net";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { expect, test } from "vitest";
import { SocketWire, unsentBytesOf } from "./socket-wire.ts";

/** More than the buffers of the system hold. */
const SIZE = 32 << 20;

setFlagsFromString("--expose-gc");
const collect = runInNewContext("gc") as () => void;

/** Lets go of the bytes as soon as they are handed over. */
function writeMuch(wire: SocketWire, mark: number): boolean {
  const bytes = new Uint8Array(SIZE).fill(mark);
  return wire.write(bytes, 0, SIZE);
}

test("what the system has not taken yet stays alive though nobody else keeps it", async () => {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const client = connect((server.address() as AddressInfo).port, "127.0.0.1");
  client.pause();
  const [accepted] = (await once(server, "connection")) as [Socket];
  accepted.resume();
  let drained = (): void => undefined;
  const wire = new SocketWire(accepted, () => drained());
  // The first write of a process goes another way.
  expect(wire.write(new Uint8Array([7]), 0, 1)).toBe(true);
  expect(writeMuch(wire, 42)).toBe(false);
  for (let i = 0; i < 3; i++) {
    collect();
    await new Promise((resolve) => setImmediate(resolve));
  }
  const done = new Promise<void>((resolve) => {
    drained = resolve;
  });
  let [received, wrong] = [0, 0];
  client.on("data", (piece: Buffer) => {
    received += piece.length;
    for (const byte of piece) if (byte !== 42) wrong++;
  });
  client.resume();
  const closed = once(client, "close");
  await Promise.race([done, closed]);
  wire.end();
  client.end();
  await closed;
  expect(received).toBe(SIZE + 1);
  expect(wrong).toBe(1);
  server.close();
});

test("what the system has not taken of a write is told while it goes out", async () => {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const client = connect((server.address() as AddressInfo).port, "127.0.0.1");
  client.pause();
  const [accepted] = (await once(server, "connection")) as [Socket];
  const unsentBytes = unsentBytesOf(accepted);
  expect(unsentBytes?.()).toBe(0);
  const taken = new Promise((resolve) => accepted.write(new Uint8Array(SIZE), resolve));
  const atFirst = unsentBytes?.() ?? 0;
  expect(atFirst).toBeGreaterThan(0);
  expect(atFirst).toBeLessThan(SIZE);
  client.resume();
  while (unsentBytes?.() === atFirst) await once(client, "data");
  expect(unsentBytes?.()).toBeLessThan(atFirst);
  await taken;
  expect(unsentBytes?.()).toBe(0);
  const closed = once(accepted, "close");
  accepted.destroy();
  await closed;
  expect(unsentBytes?.()).toBe(0);
  client.destroy();
  server.close();
});
