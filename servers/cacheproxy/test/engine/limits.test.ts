import { expect, test } from "vitest";
import { SimulatedProxy, TEST_LIMITS } from "../support/simulated-proxy.ts";

const encode = (text: string): Uint8Array => Uint8Array.from(text, (character) => character.charCodeAt(0));

/** A client by hand: what it is told, and a way to send. */
function rawClient(proxy: SimulatedProxy) {
  proxy.addClient();
  const link = proxy.clientLinks.at(-1);
  const wire = proxy.clientWires.at(-1);
  const connection = [...proxy.path.clients].at(-1);
  if (!link || !wire || !connection) throw new Error("No client was added");
  const told = { text: "", isClosed: false };
  link.server.handle({
    onData: (bytes) => {
      told.text += new TextDecoder("latin1").decode(bytes);
    },
    onClose: () => {
      told.isClosed = true;
    },
  });
  return { link, wire, connection, told, send: (text: string) => void link.server.write(encode(text)) };
}

const FAST = { latencyMs: { min: 0, max: 0 } };

test("a client that takes no replies is not read beyond its limit, and gets every reply when it reads again", () => {
  const limits = { clientBufferBytes: 100_000, maxValueBytes: 65_536 };
  const proxy = new SimulatedProxy({ seed: 1, ...FAST, limits });
  const client = rawClient(proxy);
  const value = "v".repeat(20_000);
  client.send(`set big 0 0 ${value.length}\r\n${value}\r\n`);
  proxy.clock.advance(50);
  // The wire takes no write any more: the system's buffer is full.
  let release = (): void => undefined;
  const { write } = client.wire;
  client.wire.write = (bytes, start, end) => {
    const waiting = bytes;
    release = () => {
      client.wire.write = write;
      write.call(client.wire, waiting, start, end);
      client.connection.onDrain();
    };
    return false;
  };
  const count = 200;
  client.send("get big\r\n".repeat(count));
  proxy.clock.advance(1_000);
  expect(client.wire.pauseCount).toBeGreaterThan(0);
  // One reply beyond the limit for each request that was given to the server before the limit showed.
  expect(client.connection.stagedBytes).toBeLessThan(limits.clientBufferBytes + 7 * 20_100);
  release();
  proxy.clock.advance(2_000);
  expect(client.told.text.split("VALUE big").length - 1).toBe(count);
  expect(proxy.path.buffers.lentBytes).toBe(0);
});

test("a server that answers nothing stops its clients at the limit, and others go on", () => {
  const proxy = new SimulatedProxy({ seed: 2, serverCount: 2, ...FAST, limits: { serverRequestLimit: 50 } });
  const [stalled, other] = ["a", "b", "c", "d", "e", "f"].reduce<string[]>((found, key) => {
    const client = rawClient(proxy);
    client.send(`get ${key}\r\n`);
    const before = proxy.servers[0]?.requestCount ?? 0;
    proxy.clock.advance(50);
    const isFirst = (proxy.servers[0]?.requestCount ?? 0) > before;
    found[isFirst ? 0 : 1] = key;
    return found;
  }, []);
  const link = proxy.serverLinks[0];
  link?.stall();
  const asking = Array.from({ length: 8 }, () => rawClient(proxy));
  for (const client of asking) client.send(`get ${stalled}\r\n`.repeat(20));
  const bystander = rawClient(proxy);
  bystander.send(`get ${other}\r\n`.repeat(20));
  proxy.clock.advance(60);
  expect(proxy.path.upstreams[0]?.pendingCount).toBe(50);
  expect(asking.some(({ wire }) => wire.pauseCount > 0)).toBe(true);
  expect(bystander.told.text).toBe("END\r\n".repeat(20));
  link?.resume();
  proxy.clock.advance(500);
  expect(asking.map(({ told }) => told.text)).toEqual(asking.map(() => "END\r\n".repeat(20)));
});

test("a client has no more unanswered requests than its limit, and all are answered in the end", () => {
  const proxy = new SimulatedProxy({ seed: 3, latencyMs: { min: 5, max: 5 }, limits: { clientRequestLimit: 10 } });
  const client = rawClient(proxy);
  client.send(`get ${Array.from({ length: 300 }, (_, i) => `k${i}`).join(" ")}\r\nversion\r\n`);
  let most = 0;
  for (let i = 0; i < 500; i++) {
    proxy.clock.advance(2);
    most = Math.max(most, client.connection.waitingCount);
  }
  expect(most).toBe(10);
  expect(client.told.text).toMatch(/^END\r\nVERSION [^\r]+\r\n$/);
});

test("values on their way in wait in turn when they are too many, and all arrive", () => {
  const proxy = new SimulatedProxy({ seed: 4, ...FAST, limits: { maxHeldBytes: 100_000 } });
  const clients = Array.from({ length: 10 }, () => rawClient(proxy));
  const value = "h".repeat(40_000);
  for (const [i, { send }] of clients.entries()) send(`set held${i} 0 0 ${value.length}\r\n${value.slice(0, 30_000)}`);
  proxy.clock.advance(100);
  expect(clients.some(({ wire }) => wire.pauseCount > 0)).toBe(true);
  for (const { send } of clients) send(`${value.slice(30_000)}\r\n`);
  proxy.clock.advance(3_000);
  expect(clients.map(({ told }) => told.text)).toEqual(clients.map(() => "STORED\r\n"));
});

test("a value beyond the limit is refused and swallowed, and the next request is answered", () => {
  const proxy = new SimulatedProxy({ seed: 5, ...FAST });
  const client = rawClient(proxy);
  const value = "t".repeat(TEST_LIMITS.maxValueBytes + 1);
  client.send(`set k 0 0 ${value.length}\r\n${value}\r\nget k\r\n`);
  proxy.clock.advance(100);
  expect(client.told.text).toBe("SERVER_ERROR object too large for cache\r\nEND\r\n");
});

test("a value that is refused is swallowed before the client is told, as memcached does", () => {
  const proxy = new SimulatedProxy({ seed: 15, ...FAST });
  const client = rawClient(proxy);
  const value = "t".repeat(TEST_LIMITS.maxValueBytes + 1);
  client.send(`get a\r\nset k 0 0 ${value.length}\r\n${value}`);
  proxy.clock.advance(100);
  expect(client.told.text).toBe("END\r\n");
  client.send("\r");
  proxy.clock.advance(100);
  expect(client.told.text).toBe("END\r\n");
  client.send("\nget b\r\n");
  proxy.clock.advance(100);
  expect(client.told.text).toBe("END\r\nSERVER_ERROR object too large for cache\r\nEND\r\n");
});

test("an answer that does not come in time fails its request, and the ones behind it as lost", () => {
  const proxy = new SimulatedProxy({ seed: 6, serverCount: 1, ...FAST });
  const client = rawClient(proxy);
  proxy.clock.advance(50);
  proxy.serverLinks[0]?.stall();
  client.send("get a\r\nset b 0 0 1\r\nx\r\n");
  proxy.clock.advance(1_000);
  expect(client.told.text).toBe(
    "SERVER_ERROR server did not answer in time\r\nSERVER_ERROR connection to server was lost\r\n",
  );
  expect(proxy.serverLinks.length).toBe(2);
  client.send("get b\r\n");
  proxy.clock.advance(100);
  expect(client.told.text.endsWith("END\r\n")).toBe(true);
});

test("while a server has no connection its keys are misses, and changes are refused", () => {
  const proxy = new SimulatedProxy({ seed: 7, serverCount: 1, ...FAST });
  proxy.clock.advance(50);
  proxy.downServers.add(0);
  proxy.serverLinks[0]?.cut();
  proxy.clock.advance(300);
  const client = rawClient(proxy);
  // In the pause before the next attempt, which grows to 200 ms.
  while (proxy.path.upstreams[0]?.isReachable) proxy.clock.advance(1);
  client.send("get a b\r\nset a 0 0 1\r\nx\r\ndelete a\r\nset q 0 0 1 noreply\r\nx\r\nmg a v\r\n");
  proxy.clock.advance(1);
  expect(client.told.text).toBe(
    "END\r\nSERVER_ERROR server is not reachable\r\nSERVER_ERROR server is not reachable\r\nEN\r\n",
  );
});

test("a change waits for a server that was lost, and is made when it is back; a read does not wait", () => {
  const proxy = new SimulatedProxy({ seed: 11, serverCount: 1, ...FAST, limits: { holdUs: 1_000_000 } });
  proxy.clock.advance(50);
  const [client, other] = [rawClient(proxy), rawClient(proxy)];
  proxy.downServers.add(0);
  proxy.serverLinks[0]?.cut();
  proxy.clock.advance(10);
  client.send("set a 0 0 1\r\nx\r\nset b 0 0 1 noreply\r\ny\r\nget a b\r\n");
  other.send("get a\r\n");
  proxy.clock.advance(300);
  expect(client.told.text).toBe("");
  expect(client.wire.pauseCount).toBeGreaterThan(0);
  expect(other.told.text).toBe("END\r\n");
  proxy.downServers.delete(0);
  proxy.clock.advance(400);
  expect(client.told.text).toBe("STORED\r\nVALUE a 0 1\r\nx\r\nVALUE b 0 1\r\ny\r\nEND\r\n");
});

test("a change that has waited for as long as it may fails, and those that come later fail at once", () => {
  const proxy = new SimulatedProxy({ seed: 12, serverCount: 1, ...FAST, limits: { holdUs: 500_000 } });
  proxy.clock.advance(50);
  const client = rawClient(proxy);
  proxy.downServers.add(0);
  proxy.serverLinks[0]?.cut();
  proxy.clock.advance(10);
  client.send("delete a\r\nversion\r\n");
  proxy.clock.advance(400);
  expect(client.told.text).toBe("");
  proxy.clock.advance(200);
  expect(client.told.text).toMatch(/^SERVER_ERROR server is not reachable\r\nVERSION [^\r]*\r\n$/);
  client.told.text = "";
  client.send("delete a\r\n");
  proxy.clock.advance(2);
  expect(client.told.text).toBe("SERVER_ERROR server is not reachable\r\n");
});

test("a change that waits is made where the next cluster state says, on the fast path and the slow one", () => {
  for (const slowShare of [0, 1]) {
    const limits = { holdUs: 1_000_000 };
    const proxy = new SimulatedProxy({ seed: 13, serverCount: 2, slowShare, ...FAST, limits });
    proxy.applyNext([0]);
    proxy.clock.advance(50);
    const client = rawClient(proxy);
    proxy.downServers.add(0);
    proxy.serverLinks[0]?.cut();
    proxy.clock.advance(10);
    client.send("set a 0 0 1\r\nx\r\n");
    proxy.clock.advance(100);
    expect(client.told.text).toBe("");
    proxy.applyNext([1]);
    proxy.clock.advance(5);
    expect(client.told.text).toBe("STORED\r\n");
    expect(proxy.servers[1]?.store.get("a")).toBe("x");
  }
});

test("a client that goes while its change waits takes the change with it", () => {
  const proxy = new SimulatedProxy({ seed: 14, serverCount: 1, ...FAST, limits: { holdUs: 1_000_000 } });
  proxy.clock.advance(50);
  const client = rawClient(proxy);
  proxy.downServers.add(0);
  proxy.serverLinks[0]?.cut();
  proxy.clock.advance(10);
  client.send("set a 0 0 1\r\nx\r\n");
  proxy.clock.advance(50);
  client.link.cut();
  proxy.downServers.delete(0);
  proxy.clock.advance(500);
  expect(proxy.path.clients.size).toBe(0);
  expect(proxy.servers[0]?.store.size).toBe(0);
  expect(proxy.path.buffers.lentBytes).toBe(0);
});

test("of a get of many keys those of a broken server are misses; without any answer it is an error", () => {
  const proxy = new SimulatedProxy({ seed: 8, serverCount: 2, ...FAST });
  const client = rawClient(proxy);
  client.send(["a", "b", "c", "d", "e", "f"].map((key) => `set ${key} 0 0 1\r\n${key}\r\n`).join(""));
  proxy.clock.advance(50);
  const heldBySecond = [...(proxy.servers[1]?.store.keys() ?? [])];
  const heldByFirst = [...(proxy.servers[0]?.store.keys() ?? [])];
  expect(heldBySecond.length * heldByFirst.length).toBeGreaterThan(0);
  client.told.text = "";
  proxy.serverLinks[0]?.stall();
  client.send(`get a b c d e f\r\nget ${heldByFirst.join(" ")}\r\n`);
  proxy.clock.advance(500);
  const values = heldBySecond.sort().map((key) => `VALUE ${key} 0 1\r\n${key}\r\n`);
  expect(client.told.text).toBe(`${values.join("")}END\r\nSERVER_ERROR connection to server was lost\r\n`);
});

test("a client that says it ends, or quits, is answered first and then closed", () => {
  for (const isQuit of [true, false]) {
    const proxy = new SimulatedProxy({ seed: 9, latencyMs: { min: 5, max: 5 } });
    const client = rawClient(proxy);
    client.send(`get a\r\nget b\r\n${isQuit ? "quit\r\nget c\r\n" : ""}`);
    if (!isQuit) client.link.server.end();
    else proxy.clock.after(100, () => client.link.server.end());
    proxy.clock.advance(500);
    expect(client.told).toEqual({ text: "END\r\nEND\r\n", isClosed: true });
    expect(proxy.path.clients.size).toBe(0);
  }
});

test("flush_all goes to every server and says which one did not do it; version and stats are the proxy's own", () => {
  const proxy = new SimulatedProxy({ seed: 10, serverCount: 2, ...FAST });
  const client = rawClient(proxy);
  client.send("flush_all\r\n");
  proxy.clock.advance(50);
  // These simulated servers do not know the command.
  expect(client.told.text).toBe("SERVER_ERROR server server:1: ERROR\r\n");
  client.told.text = "";
  client.send("stats servers\r\nstats\r\n");
  proxy.clock.advance(50);
  expect(client.told.text).toContain("STAT server:2:connected 1\r\n");
  expect(client.told.text).toContain("STAT proxy_servers_connected 2\r\n");
});
