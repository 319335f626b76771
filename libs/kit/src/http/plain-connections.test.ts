import { once } from "node:events";
import { readFileSync } from "node:fs";
import { connect, type Socket } from "node:net";
import { join } from "node:path";
import { connect as connectTls } from "node:tls";
import { bodyOf, eventually } from "@kagami/testkit";
import { afterEach, expect, test, vi } from "vitest";
import type { Listener } from "../net/listen-tcp.ts";
import type { HttpRequest, HttpResponse } from "./http-exchange.ts";
import { type HttpListenerOptions, listenHttp } from "./listen-http.ts";

const open: Listener[] = [];
const sockets: Socket[] = [];
afterEach(async () => {
  for (const socket of sockets.splice(0)) socket.destroy();
  for (const listener of open.splice(0)) await listener.close();
});

type Handler = (request: HttpRequest, response: HttpResponse) => Promise<void> | void;

/** Both ways have the same handler, which is told by which of them a request came. */
async function listen(
  handler: (by: "plain" | "node", ...exchange: Parameters<Handler>) => Promise<void> | void,
  options: Partial<HttpListenerOptions> = {},
): Promise<Listener> {
  const listener = await listenHttp({
    name: "web",
    address: "127.0.0.1:0",
    onRequest: (request, response) => handler("node", request, response),
    onPlainRequest: (request, response) => handler("plain", request, response),
    ...options,
  });
  open.push(listener);
  return listener;
}

function answerText(response: HttpResponse, text: string): void {
  const body = Buffer.from(text);
  response.writeHead(200, ["content-length", String(body.length)]);
  response.end(body);
}

/** Answers by which way the request came, and its URL. */
const tell: Parameters<typeof listen>[0] = (by, { url }, response) => answerText(response, `<${by} ${url}>`);

function dial(listener: Listener): Socket {
  const socket = connect({ host: "127.0.0.1", port: listener.address.port, noDelay: true });
  socket.on("error", () => undefined);
  sockets.push(socket);
  return socket;
}

/** Everything that comes until the server closes. */
async function readAll(socket: Socket): Promise<string> {
  let text = "";
  socket.on("data", (bytes) => {
    text += bytes.toString("latin1");
  });
  await once(socket, "close");
  return text;
}

async function readUntil(socket: Socket, end: string): Promise<string> {
  let text = "";
  while (!text.includes(end)) {
    const [bytes] = (await once(socket, "data")) as [Buffer];
    text += bytes.toString("latin1");
  }
  return text;
}

const get = (path: string, more = ""): string => `GET ${path} HTTP/1.1\r\nhost: h\r\n${more}\r\n`;
const LAST = get("/last", "connection: close\r\n");
const bodies = (text: string): string[] => text.match(/<[^>]*>/g) ?? [];

test("plain requests are answered without node:http, until one comes that is not plain", async () => {
  const socket = dial(await listen(tell));
  const answers = readAll(socket);
  socket.write(get("/1") + get("/2") + get("/3", "connection: close\r\n"));
  expect(bodies(await answers)).toEqual(["<plain /1>", "<plain /2>", "<node /3>"]);
});

test("a request that hides in a body is a body", async () => {
  const socket = dial(await listen(tell));
  const answers = readAll(socket);
  const hidden = get("/hidden");
  socket.write(`${get("/1")}POST /2 HTTP/1.1\r\nhost: h\r\ncontent-length: ${hidden.length}\r\n\r\n${hidden}`);
  socket.write(LAST);
  expect(bodies(await answers)).toEqual(["<plain /1>", "<node /2>", "<node /last>"]);
});

const put = (path: string, body: string): string =>
  `PUT ${path} HTTP/1.1\r\nhost: h\r\ncontent-length: ${body.length}\r\n\r\n${body}`;

/** Answers by which way the request came, its URL and its body. */
const tellBody: Parameters<typeof listen>[0] = async (by, request, response) =>
  answerText(response, `<${by} ${request.url} ${await bodyOf(request)}>`);

/** Over as many turns of the event loop as there are pieces. */
async function writeAll(socket: Socket, pieces: readonly string[]): Promise<void> {
  if (socket.connecting) await once(socket, "connect");
  for (const piece of pieces) {
    socket.write(piece);
    for (let turn = 0; turn < 3; turn++) await new Promise((resolve) => setImmediate(resolve));
  }
}

test.each([
  { pieces: [put("/1", "hello")], by: "plain", why: "at once" },
  { pieces: [put("/1", "hello").slice(0, -5), "he", "llo"], by: "plain", why: "in a few pieces" },
  { pieces: [put("/1", "hello, all").slice(0, -10), ..."hello, all"], by: "node", why: "in many pieces" },
])("a short body that comes $why is given whole, and the next request is found behind it", async ({ pieces, by }) => {
  const socket = dial(await listen(tellBody));
  const answers = readAll(socket);
  await writeAll(socket, pieces);
  socket.write(LAST);
  expect(bodies(await answers)).toEqual([`<${by} /1 ${by === "node" ? "hello, all" : "hello"}>`, "<node /last >"]);
});

test("what nobody reads of a short body is no request", async () => {
  const socket = dial(await listen(tell));
  const answers = readAll(socket);
  socket.write(put("/1", get("/hidden")) + put("/2", "") + LAST);
  expect(bodies(await answers)).toEqual(["<plain /1>", "<plain /2>", "<node /last>"]);
});

test("a body that does not come in time is waited for by the whole parser", async () => {
  const called = Promise.withResolvers<string>();
  const tellBoth: typeof tellBody = (by, ...exchange) => {
    called.resolve(by);
    return tellBody(by, ...exchange);
  };
  const socket = dial(await listen(tellBoth, { headersTimeoutMs: 50 }));
  socket.write(put("/1", "hello").slice(0, -3));
  expect(await called.promise).toBe("node");
  socket.write("llo");
  expect(bodies(await readUntil(socket, ">"))).toEqual(["<node /1 hello>"]);
});

test.each([
  { sent: get("/").slice(0, 20), where: "a head" },
  { sent: put("/1", "hello").slice(0, -1), where: "a body" },
])("a connection that ends inside $where is answered 400", async ({ sent }) => {
  const socket = dial(await listen(tell));
  socket.end(sent);
  expect(await readAll(socket)).toMatch(/^HTTP\/1\.1 400 /);
});

test("the heads are as node:http writes them", async () => {
  const heads = async (listener: Listener, more: string): Promise<string> => {
    const socket = dial(listener);
    socket.write(get("/", more));
    return (await readUntil(socket, ">")).replace(/Date: [A-Z][a-z]{2}, .* GMT/, "Date: now");
  };
  const [plain, node] = [await listen((_by, ...exchange) => tell("node", ...exchange)), await listen(tell)];
  // Nothing in it is unusual but that the whole parser is needed.
  expect(await heads(plain, "")).toBe(await heads(node, "x: \xe4\r\n"));
});

test("answers come in the order of the requests, whenever they are given", async () => {
  const waiting = Promise.withResolvers<void>();
  const socket = dial(
    await listen(async (_by, { url }, response) => {
      if (url === "/slow") await waiting.promise;
      else waiting.resolve();
      answerText(response, `<${url}>`);
    }),
  );
  const other = dial(open[0] as Listener);
  const answers = readAll(socket);
  socket.write(get("/slow") + get("/behind") + LAST);
  await once(other, "connect");
  other.write(get("/other"));
  expect(bodies(await answers)).toEqual(["</slow>", "</behind>", "</last>"]);
});

test("a head may come in pieces", async () => {
  const socket = dial(await listen(tell));
  await writeAll(socket, [get("/1").slice(0, 9), get("/1").slice(9)]);
  expect(bodies(await readUntil(socket, ">"))).toEqual(["<plain /1>"]);
});

test.each([
  { sent: "", why: "nothing at all" },
  { sent: get("/").slice(0, 20), why: "the beginning of a head" },
  { sent: get("/first") + get("/").slice(0, 20), why: "the beginning of a second head" },
])("who sends $why in time is answered 408", async ({ sent }) => {
  // Idle connections have even less time, and this one is none.
  const socket = dial(await listen(tell, { headersTimeoutMs: 50, keepAliveTimeoutMs: 1 }));
  socket.write(sent);
  expect(await readAll(socket)).toMatch(/HTTP\/1\.1 408 /);
});

test.each([0, 1])("a head that comes a byte at a time has no more time, behind %i requests", async (count) => {
  const socket = dial(await listen(tell, { headersTimeoutMs: 500 }));
  socket.write(`${get("/").repeat(count)}GET /`);
  const sending = setInterval(() => socket.write("a"), 5);
  const answers = await readAll(socket);
  clearInterval(sending);
  expect(answers).toMatch(/HTTP\/1\.1 408 /);
});

test("a head beyond the limit of all heads is answered 431", async () => {
  const socket = dial(await listen(tell, { maxHeaderBytes: 1_000 }));
  socket.write(get("/1") + get("/2", `a: ${"b".repeat(1_000)}\r\n`));
  expect(await readAll(socket)).toMatch(/<plain \/1>HTTP\/1\.1 431 /);
});

test("a client that has said all and ends its side gets its answers", async () => {
  const later: Parameters<typeof listen>[0] = async (by, ...exchange) => {
    await new Promise((resolve) => setImmediate(resolve));
    await tell(by, ...exchange);
  };
  for (const handler of [tell, later]) {
    const socket = dial(await listen(handler));
    socket.end(get("/1") + get("/2"));
    expect(bodies(await readAll(socket))).toEqual(["<plain /1>", "<plain /2>"]);
  }
});

test("an idle connection is closed after its time", async () => {
  const socket = dial(await listen(tell, { keepAliveTimeoutMs: 20 }));
  socket.write(get("/1"));
  expect(bodies(await readAll(socket))).toEqual(["<plain /1>"]);
});

test("who takes no answers gets no more of them, and is cut", async () => {
  let asked = 0;
  const body = "x".repeat(1 << 20);
  const listener = await listen(
    (_by, _request, response) => {
      asked++;
      answerText(response, body);
    },
    { keepAliveTimeoutMs: 40, minBytesPerSecond: 1 << 30 },
  );
  const socket = dial(listener);
  const count = 500;
  socket.pause();
  socket.write(get("/").repeat(count));
  await eventually(() => asked > 0, { what: "The first request was answered" });
  await eventually(() => listener.connectionCount === 0, { what: "The connection was cut" });
  expect(asked).toBeLessThan(count);
});

test("who takes a large answer slowly is not cut as if idle", async () => {
  const body = "x".repeat(32 << 20);
  const listener = await listen((_by, { url }, response) => answerText(response, url === "/large" ? body : ""), {
    keepAliveTimeoutMs: 20,
  });
  const slow = dial(listener);
  slow.write(get("/large"));
  await once(slow, "readable");
  // The time is over when a connection that is idle since then has ended.
  const idle = dial(listener);
  idle.write(get("/"));
  await readAll(idle);
  expect((await readAll(slow)).length).toBeGreaterThan(body.length);
});

test.each([
  {
    why: "too few bytes",
    give: (response: HttpResponse) => {
      response.writeHead(200, ["content-length", "9"]);
      response.end(Buffer.from("four"));
    },
  },
  {
    why: "too many bytes",
    give: (response: HttpResponse) => {
      response.writeHead(200, ["content-length", "2"]);
      response.end(Buffer.from("four"));
    },
  },
  {
    why: "no length",
    give: (response: HttpResponse) => {
      response.writeHead(200, []);
      response.write(Buffer.from("fo"));
      response.end(Buffer.from("ur"));
    },
  },
])("an answer with $why ends its connection: the next could not be told from it", async ({ give }) => {
  const socket = dial(await listen((_by, _request, response) => give(response)));
  socket.write(get("/1") + get("/2"));
  expect((await readAll(socket)).match(/HTTP\/1\.1/g) ?? []).toHaveLength(1);
});

test.each([
  { method: "HEAD", status: 200, why: "HEAD" },
  { method: "GET", status: 304, why: "a status without one" },
])("no body is sent where none may be: $why", async ({ method, status }) => {
  const socket = dial(
    await listen((by, { url }, response) => {
      if (url === "/last") return tell(by, { url } as HttpRequest, response);
      response.writeHead(status, ["content-length", "4"]);
      response.end(Buffer.from("four"));
    }),
  );
  socket.write(`${method} / HTTP/1.1\r\nhost: h\r\n\r\n${LAST}`);
  const [first = "", ...rest] = (await readAll(socket)).split("\r\n\r\n");
  expect(first).toMatch(new RegExp(`^HTTP/1.1 ${status} `));
  expect(rest.join("")).toMatch(/^HTTP\/1\.1 200 OK.*<node \/last>$/s);
});

test.each([
  { headers: ["a", "b\r\nset-cookie: c"], why: "a line break in a value" },
  { headers: ["a\r\nb", "c"], why: "a line break in a name" },
  { headers: ["", "c"], why: "no name" },
  { headers: ["a", "\u0100"], why: "a character that is no byte" },
])("a head with $why is never sent", async ({ headers }) => {
  const socket = dial(await listen((_by, _request, response) => void response.writeHead(200, [...headers])));
  socket.write(get("/"));
  expect(await readUntil(socket, "}")).toMatch(/^HTTP\/1\.1 500 .*INTERNAL/s);
});

test("an answer that is written in pieces is told when they are taken, and when its client is gone", async () => {
  const told = Promise.withResolvers<string>();
  const listener = await listen((_by, _request, response) => {
    response.once("close", () => told.resolve(`closed ${response.destroyed}`));
    response.writeHead(200, ["content-length", "100"]);
    response.write(Buffer.from("a"), () => response.write(Buffer.from("b")));
  });
  const socket = dial(listener);
  socket.write(get("/"));
  await readUntil(socket, "ab");
  socket.resetAndDestroy();
  expect(await told.promise).toBe("closed true");
});

test("who has given an answer whole is told too when its client goes without it", async () => {
  const told = Promise.withResolvers<boolean>();
  const listener = await listen((_by, _request, response) => {
    response.once("close", () => told.resolve(response.destroyed));
    answerText(response, "x".repeat(32 << 20));
  });
  const socket = dial(listener);
  socket.write(get("/"));
  await once(socket, "readable");
  socket.resetAndDestroy();
  expect(await told.promise).toBe(true);
});

test("closing ends idle connections at once, and the others behind their answer", async () => {
  const waiting = Promise.withResolvers<void>();
  const arrived = Promise.withResolvers<void>();
  const listener = await listen(async (by, request, response) => {
    if (request.url === "/slow") {
      arrived.resolve();
      await waiting.promise;
    }
    await tell(by, request, response);
  });
  const [idle, busy] = [dial(listener), dial(listener)];
  idle.write(get("/1"));
  await readUntil(idle, ">");
  busy.write(get("/slow"));
  await arrived.promise;
  const answer = readAll(busy);
  const closing = listener.close(60_000);
  await once(idle, "close");
  waiting.resolve();
  expect(await answer).toMatch(/Connection: close\r\n.*<plain \/slow>$/s);
  await closing;
});

test("a head that has begun when the listener closes is answered", async () => {
  const listener = await listen(tell);
  const socket = dial(listener);
  socket.write(`${get("/1")}${get("/2").slice(0, 9)}`);
  await readUntil(socket, ">");
  const closing = listener.close(60_000);
  socket.write(get("/2").slice(9));
  expect(await readAll(socket)).toMatch(/Connection: close\r\n.*<plain \/2>$/s);
  await closing;
});

test("a listener that could not listen leaves no timer behind", async () => {
  const { addressText } = await listen(tell);
  vi.useFakeTimers({ toFake: ["setInterval", "clearInterval"] });
  try {
    await expect(listen(tell, { address: addressText })).rejects.toThrow();
    expect(vi.getTimerCount()).toBe(0);
  } finally {
    vi.useRealTimers();
  }
});

test("TLS changes nothing", async () => {
  const read = (name: string): Buffer =>
    readFileSync(join(import.meta.dirname, "..", "..", "testdata", `localhost.${name}.pem`));
  const cert = read("cert");
  const listener = await listen(tell, { tls: { cert, key: read("key") } });
  const socket = connectTls({ host: "127.0.0.1", port: listener.address.port, ca: cert, servername: "localhost" });
  sockets.push(socket);
  socket.write(get("/1") + LAST);
  expect(bodies(await readAll(socket))).toEqual(["<plain /1>", "<node /last>"]);
});
