import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, expect, test } from "vitest";
import { startDemoBroadcast } from "./publish.ts";

const SERVER = fileURLToPath(new URL("../../../servers/live/src/main.ts", import.meta.url));
const dataDir = mkdtempSync(join(tmpdir(), "kagami-demo-"));
let server: ChildProcess;
let ready: { http: string; rtmp: string };

beforeAll(async () => {
  const listen = ["--listen", "127.0.0.1:0", "--rtmp", "127.0.0.1:0", "--admin", "127.0.0.1:0"];
  const args = [SERVER, ...listen, "--open-publish", "--data", dataDir];
  server = spawn(process.execPath, args, { stdio: ["ignore", "pipe", "pipe"] });
  ready = await new Promise((resolve, reject) => {
    server.on("exit", () => reject(new Error(`Cannot start ${SERVER}: run it by hand to see why`)));
    for (const stream of [server.stdout, server.stderr]) {
      if (stream === null) continue;
      createInterface({ input: stream }).on("line", (line) => {
        if (line.includes('"event":"ready"')) resolve(JSON.parse(line) as typeof ready);
      });
    }
  });
});

afterAll(async () => {
  const exited = once(server, "exit");
  server.kill();
  await exited;
  rmSync(dataDir, { recursive: true, force: true });
});

test("our own server shows the broadcast as a live channel with picture and sound", async () => {
  const stop = new AbortController();
  const events: string[] = [];
  const published = startDemoBroadcast({
    url: `rtmp://${ready.rtmp}/live/demo`,
    signal: stop.signal,
    log: (event) => events.push(event),
    broadcast: { width: 192, height: 320, bitrateKbps: 200 },
  });
  try {
    // The stream itself is the signal: what a viewer gets first is an FLV header, then the configurations.
    const response = await waitForStream(`http://${ready.http}/live/demo.flv`);
    const chunk = await response.body?.getReader().read();
    expect(Buffer.from(chunk?.value ?? []).toString("latin1", 0, 3)).toBe("FLV");
    const channel = await (await fetch(`http://${ready.http}/api/channels/demo`)).json();
    expect(channel).toMatchObject({
      isLive: true,
      video: { codec: "h264", width: 192, height: 320 },
      audio: { codec: "aac", sampleRate: 48_000, channelCount: 2 },
    });
  } finally {
    stop.abort();
    await published;
  }
  expect(events).toEqual(["demo.published", "demo.ended"]);
});

/** Asks until there is a publisher; each try is an answer of the server, so this does not spin. */
async function waitForStream(url: string): Promise<Response> {
  const deadlineMs = performance.now() + 15_000;
  for (;;) {
    const response = await fetch(url);
    if (response.ok) return response;
    await response.body?.cancel();
    if (performance.now() > deadlineMs) throw new Error(`No stream at ${url}: ${response.status}`);
  }
}
