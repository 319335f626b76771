import { once } from "node:events";
import { connect } from "node:net";
import { bodyOf } from "@kagami/testkit";
import fc from "fast-check";
import { expect, test } from "vitest";
import type { Listener } from "../net/listen-tcp.ts";
import type { HttpRequest, HttpResponse } from "./http-exchange.ts";
import { listenHttp } from "./listen-http.ts";

/** A listener and the requests that came. */
interface Logged {
  readonly listener: Listener;
  readonly seen: string[];
}

async function open(isPlain: boolean): Promise<Logged> {
  const seen: string[] = [];
  const onRequest = async (request: HttpRequest, response: HttpResponse): Promise<void> => {
    const { method, url, rawHeaders } = request;
    seen.push(JSON.stringify([method, url, rawHeaders, await bodyOf(request)]));
    response.writeHead(200, ["content-length", "0"]);
    response.end();
  };
  const plain = isPlain ? { onPlainRequest: onRequest } : {};
  return { listener: await listenHttp({ name: "web", address: "127.0.0.1:0", onRequest, ...plain }), seen };
}

/** Requests as no client writes them, made of pieces. */
const request = fc
  .record({
    method: fc.constantFrom("GET", "GET", "PUT", "PUT", "HEAD", "get", "POST", " GET", "GET\t", "\r\nPUT"),
    target: fc.constantFrom("/a", "/a", "/?b=%00", "*", "//h/a", "/a#b", "http://h/", "/a b", "/\xe4", "/{|}", ""),
    version: fc.constantFrom("HTTP/1.1", "HTTP/1.1", "HTTP/1.1", "HTTP/1.0", "HTTP/1.1 ", "HTTP/2.0", "http/1.1"),
    lines: fc.array(
      fc.constantFrom(
        ...[
          "a: b",
          "a:b",
          "a:\t b \t",
          "a:",
          "a : b",
          " folded",
          "a: b\rc",
          "a: b\0",
          "a: \xe4",
          ": b",
          "a",
          "host: i",
        ],
        ...[
          "content-length: 0",
          "content-length: 3",
          "content-length: 3",
          "content-length: 33",
          "content-length: 00",
          "content-length: +0",
          "Content-Length:0",
        ],
        ...["transfer-encoding: chunked", "transfer-encoding: gzip", "connection: keep-alive", "connection: close"],
        ...["connection: te", "te: trailers", "expect: 100-continue", "expect: x", "upgrade: h2c", "keep-alive: 5"],
      ),
      { maxLength: 3 },
    ),
    host: fc.constantFrom("host: h\r\n", "host: h\r\n", "host: h\r\n", "", "host:\r\n"),
    end: fc.constantFrom("\r\n", "\r\n", "\r\n", "\n", "\r"),
    body: fc.constantFrom(
      "",
      "",
      "abc",
      "0\r\n\r\n",
      "3\r\nabc\r\n0\r\n\r\n",
      "GET /hidden HTTP/1.1\r\nhost: h\r\n\r\n",
    ),
  })
  .map(
    ({ method, target, version, lines, host, end, body }) =>
      `${method} ${target} ${version}${end}${host}${lines.map((line) => line + end).join("")}${end}${body}`,
  );

test("whatever is sent, the same requests are seen as by node:http alone", async () => {
  const both = [await open(true), await open(false)];
  const seenBy = async ({ listener, seen }: Logged, pieces: readonly string[]): Promise<string[]> => {
    const socket = connect({ host: "127.0.0.1", port: listener.address.port, noDelay: true });
    socket.on("error", () => undefined);
    socket.resume();
    const closed = once(socket, "close");
    for (const piece of pieces) {
      socket.write(piece, "latin1");
      await new Promise((resolve) => setImmediate(resolve));
    }
    socket.end();
    await closed;
    return seen.splice(0);
  };
  await fc.assert(
    fc.asyncProperty(fc.array(request, { minLength: 1, maxLength: 4 }), fc.nat(), async (requests, cut) => {
      const text = requests.join("");
      const at = cut % text.length;
      const [ours, alone] = await Promise.all(both.map((one) => seenBy(one, [text.slice(0, at), text.slice(at)])));
      expect(ours).toEqual(alone);
    }),
    { numRuns: 150 },
  );
  for (const { listener } of both) await listener.close();
});
