import { createServer, type Server } from "node:net";
import { expect, test } from "vitest";
import { createEngine } from "../src/create-engine.ts";
import { Reactor } from "../src/reactor.ts";
import type { LogState, ReplicatedLog } from "../src/storage/replicated-log.ts";
import { request, WireClient } from "./support/wire-client.ts";

/** A log whose disk is full from the second batch on, until somebody makes room. */
class FillingLog implements Partial<ReplicatedLog> {
  state: LogState = "ok";
  acceptedPosition = 0;
  onAccepted: (position: number) => void = () => undefined;
  onState: () => void = () => undefined;
  #position = 0;

  append(): number {
    return ++this.#position;
  }

  flush(): void {
    if (this.#position >= 2 && this.state === "ok" && this.acceptedPosition === 1) {
      this.state = "full";
      this.onState();
    }
    if (this.state === "ok") this.accept();
  }

  makeRoom(): void {
    this.state = "ok";
    this.onState();
    this.accept();
  }

  accept(): void {
    this.acceptedPosition = this.#position;
    this.onAccepted(this.#position);
  }
}

async function listening(server: Server): Promise<string> {
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  return `127.0.0.1:${typeof address === "object" ? address?.port : ""}`;
}

test("while the disk is full nobody is told of a write that is not kept, and all others are served on", async () => {
  const log = new FillingLog();
  const engine = createEngine(1);
  const world = { nowMs: Date.now, seed: () => 1, log: log as unknown as ReplicatedLog };
  const reactor = new Reactor(engine, world, {
    maxRequestBytes: 1e6,
    maxBulkBytes: 1e6,
    isOverOutputLimit: (client) => client.queuedBytes > 1e6,
  });
  log.onAccepted = (position) => reactor.onAccepted(position);
  log.onState = () => {
    engine.writeRefusal = log.state === "ok" ? "" : "MISCONF full";
  };
  const server = createServer((socket) => reactor.accept(socket, false));
  const address = await listening(server);
  const [writer, other] = [await WireClient.open(address), await WireClient.open(address)];
  expect(await writer.ask(request("SET", "k", "1"), "+OK\r\n")).toBe("+OK\r\n");

  writer.send(request("SET", "k", "2") + request("PING"));
  // That the other reads the new value shows that the write was done, and so that its reply is held back.
  while ((await other.ask(request("GET", "k"), "$1\r\n1\r\n")) === "$1\r\n1\r\n") expect(writer.received).toBe("");
  expect(await other.ask(request("SET", "k", "3"), "-MISCONF full\r\n")).toBe("-MISCONF full\r\n");
  writer.send(request("PING"));
  expect(await other.ask(request("GET", "k"), "$1\r\n2\r\n")).toBe("$1\r\n2\r\n");
  expect(writer.received).toBe("");

  log.makeRoom();
  expect(await writer.take(19)).toBe("+OK\r\n+PONG\r\n+PONG\r\n");
  expect(await other.ask(request("SET", "k", "3"), "+OK\r\n")).toBe("+OK\r\n");
  writer.close();
  other.close();
  await new Promise((resolve) => server.close(resolve));
});
