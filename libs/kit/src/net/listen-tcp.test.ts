import { once } from "node:events";
import { readFileSync } from "node:fs";
import { connect, type Socket } from "node:net";
import { connect as connectTls } from "node:tls";
import { afterEach, expect, test } from "vitest";
import { Metrics } from "../metrics/registry.ts";
import { networkOf } from "./connection-ledger.ts";
import { type Listener, listenTcp, type TcpListenerOptions } from "./listen-tcp.ts";

const open: (Listener | Socket)[] = [];
afterEach(async () => {
  for (const item of open.splice(0)) {
    if ("address" in item && typeof item.address === "object") await (item as Listener).close();
    else (item as Socket).destroy();
  }
});

async function listen(options: Partial<TcpListenerOptions> = {}): Promise<Listener> {
  const onConnection = (socket: Socket): void => {
    socket.on("error", () => undefined);
    socket.pipe(socket);
  };
  const listener = await listenTcp({ name: "echo", address: "127.0.0.1:0", onConnection, ...options });
  open.push(listener);
  return listener;
}

function dial({ address }: Listener): Socket {
  const socket = connect({ host: "127.0.0.1", port: address.port });
  socket.on("error", () => undefined);
  open.push(socket);
  return socket;
}

/** Settles when the socket has closed, with an error or without. */
function ended(socket: Socket): Promise<void> {
  return new Promise((resolve) => socket.once("close", () => resolve()));
}

/** Sends a byte and waits for it to come back: then the server has admitted the connection. */
function greet(socket: Socket): Promise<string> {
  socket.write("x");
  return new Promise((resolve) => socket.once("data", (bytes) => resolve(String(bytes))));
}

test("port 0 becomes the real port, and connections are served and counted", async () => {
  const metrics = new Metrics();
  const listener = await listen({ metrics });
  expect(listener.addressText).toMatch(/^127\.0\.0\.1:[1-9]\d+$/);
  const socket = dial(listener);
  expect(await greet(socket)).toBe("x");
  expect(listener.connectionCount).toBe(1);
  socket.end();
  await ended(socket);
  await listener.close(1_000);
  expect(listener.connectionCount).toBe(0);
  expect(metrics.counter("kagami_connections_total", "", ["listener"]).read({ listener: "echo" })).toBe(1);
  expect(metrics.gauge("kagami_connections_open", "", ["listener"]).read({ listener: "echo" })).toBe(0);
});

test.each([
  { limits: { maxConnections: 2 }, reason: "max-connections" },
  { limits: { maxConnectionsPerIp: 2 }, reason: "max-connections-per-ip" },
])("the connection beyond $limits is refused and counted, and one that ends makes room", async ({ limits, reason }) => {
  const metrics = new Metrics();
  const listener = await listen({ ...limits, metrics });
  const first = dial(listener);
  await greet(first);
  await greet(dial(listener));
  const refused = dial(listener);
  await ended(refused);
  const counter = metrics.counter("kagami_connections_refused_total", "", ["listener", "reason"]);
  expect(counter.read({ listener: "echo", reason })).toBe(1);
  expect(listener.connectionCount).toBe(2);

  first.end();
  await ended(first);
  // The server sees the end on its own time; a refused dial closes, an admitted one echoes.
  let admitted = false;
  while (!admitted) {
    const socket = dial(listener);
    admitted = await Promise.race([greet(socket).then(() => true), ended(socket).then(() => false)]);
  }
  expect(listener.connectionCount).toBe(2);
});

test("every interface means IPv4 as well, whether the machine has IPv6 or not", async () => {
  const listener = await listen({ address: ":0" });
  expect(await greet(dial(listener))).toBe("x");
});

test("a port in use is a coded error that says how to mend it", async () => {
  const { addressText } = await listen();
  await expect(listen({ address: addressText })).rejects.toMatchObject({
    code: "PORT_IN_USE",
    message: `Cannot listen for echo at ${addressText}: another process has the port. Stop it, or choose another port (0 picks a free one)`,
  });
});

test.each([
  { address: "192.0.2.1:0", code: "ADDRESS_UNAVAILABLE", why: "an address of nobody (TEST-NET-1)" },
  { address: "no-such-host.invalid:0", code: "HOST_UNKNOWN", why: "a name without an address" },
])("$address cannot be listened at: $why", async ({ address, code }) => {
  await expect(listen({ address })).rejects.toMatchObject({ code });
});

test("closing waits for connections that end within the grace time", async () => {
  const listener = await listen();
  const socket = dial(listener);
  await greet(socket);
  const closing = listener.close(60_000);
  expect(await greet(socket)).toBe("x");
  socket.end();
  await closing;
  expect(listener.connectionCount).toBe(0);
});

test("closing cuts connections after the grace time, and twice is once", async () => {
  const listener = await listen();
  const socket = dial(listener);
  await greet(socket);
  const closed = ended(socket);
  const [first, second] = [listener.close(5), listener.close(60_000)];
  expect(first).toBe(second);
  await Promise.all([first, closed]);
  const late = dial(listener);
  await ended(late);
  expect(late.bytesRead).toBe(0);
});

test("TLS connections are served after their handshake, and plain ones are counted as failures", async () => {
  const metrics = new Metrics();
  const read = (name: string): Buffer => readFileSync(new URL(`../../testdata/localhost.${name}.pem`, import.meta.url));
  const cert = read("cert");
  const listener = await listen({ metrics, tls: { cert, key: read("key") } });
  const socket = connectTls({ host: "127.0.0.1", port: listener.address.port, ca: cert, servername: "localhost" });
  open.push(socket);
  await once(socket, "secureConnect");
  expect(await greet(socket)).toBe("x");
  expect(listener.connectionCount).toBe(1);

  const plain = dial(listener);
  plain.write("GET / HTTP/1.1\r\n\r\n");
  await ended(plain);
  expect(metrics.counter("kagami_tls_failures_total", "", ["listener"]).read({ listener: "echo" })).toBe(1);
  socket.end();
  await listener.close(5_000);
  expect(listener.connectionCount).toBe(0);
});

test.each([
  ["192.0.2.7", "192.0.2.7"],
  ["::ffff:192.0.2.7", "192.0.2.7"],
  ["2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"],
  ["2001:db8:1:2::9", "2001:db8:1:2::/64"],
  ["2001:db8::9", "2001:db8:0:0::/64"],
  ["::1", "0:0:0:0::/64"],
  ["fe80::1%eth0", "fe80:0:0:0::/64"],
  [undefined, "(gone)"],
])("the peer at %s counts as %s", (address, network) => {
  expect(networkOf(address)).toBe(network);
});
