import { once } from "node:events";
import { Agent, get, type IncomingMessage, request, type ServerResponse } from "node:http";
import { connect } from "node:net";
import { afterEach, expect, test } from "vitest";
import type { Logger } from "../log/logger.ts";
import type { Listener } from "../net/listen-tcp.ts";
import { type HttpListenerOptions, listenHttp } from "./listen-http.ts";

const open: Listener[] = [];
afterEach(async () => {
  for (const listener of open.splice(0)) await listener.close();
});

async function listen(options: Partial<HttpListenerOptions> = {}): Promise<Listener & { url: string }> {
  const listener = await listenHttp({
    name: "web",
    address: "127.0.0.1:0",
    onRequest: (_request, response) => void response.end("hello"),
    ...options,
  });
  open.push(listener);
  return Object.assign(listener, { url: `http://${listener.addressText}` });
}

/** Sends raw bytes and returns everything that comes back until the server closes. */
async function raw(listener: Listener, text: string): Promise<string> {
  const socket = connect({ host: "127.0.0.1", port: listener.address.port });
  let answer = "";
  socket.on("data", (bytes) => {
    answer += bytes;
  });
  socket.on("error", () => undefined);
  socket.write(text);
  await new Promise((resolve) => socket.once("close", resolve));
  return answer;
}

function silentLog(events: string[]): Logger {
  const log: Logger = {
    error: (event) => void events.push(event),
    warn: (event) => void events.push(event),
    info: () => undefined,
    debug: () => undefined,
    isEnabled: () => true,
    child: () => log,
    flush: () => Promise.resolve(),
  };
  return log;
}

test.each([
  { why: "a rejection", onRequest: () => Promise.reject(new Error("boom")) },
  {
    why: "an exception",
    onRequest: () => {
      throw new Error("boom");
    },
  },
])("a handler that fails is answered with 500 and logged, and the server goes on: $why", async ({ onRequest }) => {
  const events: string[] = [];
  const { url } = await listen({ onRequest, log: silentLog(events) });
  for (let i = 0; i < 2; i++) {
    const response = await fetch(url);
    expect(response.status).toBe(500);
    expect(await response.json()).toMatchObject({ error: { code: "INTERNAL" } });
  }
  expect(events).toEqual(["request.failed", "request.failed"]);
});

test.each([
  { text: "nonsense\r\n\r\n", status: 400, code: "REQUEST_MALFORMED" },
  { text: "GET / HTTP/1.1\r\n\r\n", status: 400, code: undefined },
  { text: `GET / HTTP/1.1\r\nhost: x\r\nx: ${"y".repeat(20_000)}\r\n\r\n`, status: 431, code: "HEADERS_TOO_LARGE" },
  {
    text: "POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 1\r\ntransfer-encoding: chunked\r\n\r\n",
    status: 400,
    code: "REQUEST_MALFORMED",
  },
])("a bad request is answered with $status $code and hung up on", async ({ text, status, code }) => {
  const answer = await raw(await listen(), text);
  expect(answer.startsWith(`HTTP/1.1 ${status} `), answer.slice(0, 100)).toBe(true);
  if (code) expect(answer).toContain(`"code":"${code}"`);
});

test("a request that never ends its headers is answered with 408", async () => {
  const listener = await listen({ headersTimeoutMs: 50 });
  expect(await raw(listener, "GET / HTTP/1.1\r\nhost: x\r\nslow: ")).toMatch(/^HTTP\/1\.1 408 /);
});

test("connections beyond the limit are refused", async () => {
  const listener = await listen({ maxConnections: 1 });
  const agent = new Agent({ keepAlive: true });
  const [response] = (await once(get(`${listener.url}/`, { agent }), "response")) as [IncomingMessage];
  response.resume();
  expect(await raw(listener, "GET / HTTP/1.1\r\nhost: x\r\n\r\n")).toBe("");
  agent.destroy();
});

test("upgrades are handed over, counted and drained", async () => {
  const listener = await listen({
    onUpgrade: (_request, socket) => {
      socket.write("HTTP/1.1 101 Switching Protocols\r\nupgrade: echo\r\nconnection: upgrade\r\n\r\n");
      socket.pipe(socket);
    },
  });
  const outgoing = request(listener.url, { headers: { connection: "upgrade", upgrade: "echo" } });
  outgoing.end();
  const [, socket] = await once(outgoing, "upgrade");
  socket.write("x");
  const [bytes] = await once(socket, "data");
  expect(String(bytes)).toBe("x");
  expect(listener.connectionCount).toBe(1);
  const closed = once(socket, "close");
  await listener.close(5);
  await closed;
  expect(listener.connectionCount).toBe(0);
});

test("closing ends idle connections at once and lets a request under way finish", async () => {
  const arrived = Promise.withResolvers<ServerResponse>();
  const listener = await listen({
    onRequest: (incoming, response) => {
      if (incoming.url === "/slow") arrived.resolve(response);
      else response.end("quick");
    },
  });
  const agent = new Agent({ keepAlive: true });
  const idle = (await once(get(`${listener.url}/`, { agent }), "response"))[0] as IncomingMessage;
  idle.resume();
  await once(idle, "end");
  const answered = once(get(`${listener.url}/slow`, { agent: new Agent({ keepAlive: true }) }), "response");
  const underWay = await arrived.promise;
  const closing = listener.close(60_000);
  underWay.end("finished");
  const [response] = (await answered) as [IncomingMessage];
  let body = "";
  for await (const chunk of response) body += chunk;
  expect(body).toBe("finished");
  await closing;
  expect(listener.connectionCount).toBe(0);
  agent.destroy();
});
