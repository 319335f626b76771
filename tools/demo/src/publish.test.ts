import type { AddressInfo } from "node:net";
import { createServer, type Server, type Socket } from "node:net";
import { loadConfig } from "@kagami/kit";
import { describe, expect, test } from "vitest";
import { demoSchema } from "./part.ts";
import { startDemoBroadcast } from "./publish.ts";
import { parseRtmpUrl } from "./rtmp-url.ts";

async function listen(onSocket: (socket: Socket) => void): Promise<{ server: Server; url: string }> {
  const server = createServer(onSocket);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return { server, url: `rtmp://127.0.0.1:${(server.address() as AddressInfo).port}/live/demo` };
}

test("a server that closes the door is tried again, and stopping ends the waiting", async () => {
  const stop = new AbortController();
  const events: string[] = [];
  let connectionCount = 0;
  const { server, url } = await listen((socket) => {
    connectionCount++;
    socket.destroy();
  });
  const log = (event: string) => {
    events.push(event);
    if (connectionCount === 2) stop.abort();
  };
  await startDemoBroadcast({ url, signal: stop.signal, log });
  server.close();
  expect(connectionCount).toBe(2);
  expect(events).toEqual(["demo.interrupted", "demo.interrupted", "demo.ended"]);
});

test("a server that speaks something else is an error with a code, not a crash", async () => {
  const stop = new AbortController();
  const codes: unknown[] = [];
  const { server, url } = await listen((socket) => {
    socket.on("error", () => undefined);
    socket.write("HTTP/1.1 400 Bad Request\r\n\r\n".padEnd(4000, "x"));
  });
  const log = (_event: string, fields: Readonly<Record<string, string | number>>) => {
    if (fields.code !== undefined) codes.push(fields.code);
    stop.abort();
  };
  await startDemoBroadcast({ url, signal: stop.signal, log });
  server.close();
  expect(codes).toEqual(["DEMO_REFUSED"]);
});

test("an address that is not RTMP is refused at once", async () => {
  await expect(startDemoBroadcast({ url: "http://127.0.0.1/live/demo" })).rejects.toMatchObject({
    code: "DEMO_URL_INVALID",
  });
});

describe("addresses", () => {
  test.each([
    {
      url: "rtmp://127.0.0.1/live/demo",
      host: "127.0.0.1",
      port: 1935,
      app: "live",
      streamName: "demo",
      why: "default port",
    },
    {
      url: "rtmp://a.b:1936/x/y/k?t=1",
      host: "a.b",
      port: 1936,
      app: "x/y",
      streamName: "k?t=1",
      why: "deep app, query",
    },
    { url: "rtmp://[::1]:19/live/k", host: "::1", port: 19, app: "live", streamName: "k", why: "IPv6" },
  ])("$url: $why", ({ url, host, port, app, streamName }) => {
    expect(parseRtmpUrl(url)).toMatchObject({ host, port, app, streamName });
  });

  test.each(["rtmp://127.0.0.1/live", "rtmp://127.0.0.1", "demo", ""])("%j is refused", (url) => {
    expect(() => parseRtmpUrl(url)).toThrow(/give an address such as/);
  });

  test("the key is not shown to people", () => {
    expect(parseRtmpUrl("rtmp://127.0.0.1/live/secret").shownUrl).not.toContain("secret");
  });
});

describe("the settings", () => {
  const load = (argv: string[]) => loadConfig({ part: "demo", schema: demoSchema, argv, env: {}, files: [] });

  test("flags become settings", () => {
    const argv = ["--url", "rtmp://h/a/k", "--seed", "5", "--size=360x640", "--fps", "25", "--bitrate-kbps", "800"];
    expect(load(argv)).toMatchObject({
      kind: "run",
      config: { url: "rtmp://h/a/k", seed: 5, size: "360x640", fps: 25, bitrateKbps: 800, durationS: 0 },
    });
  });

  test.each([
    { argv: ["--size", "big"], why: /WIDTHxHEIGHT/ },
    { argv: ["--fps", "x"], why: /--fps/ },
    { argv: ["--colour"], why: /--colour/ },
  ])("$argv is refused", ({ argv, why }) => {
    expect(() => load(argv)).toThrow(why);
  });
});
