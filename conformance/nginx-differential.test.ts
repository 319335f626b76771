import { clipArgs, startTestServer } from "@kagami/live/testing";
import { eventually, runTool, startNginxRtmp, withTempDir } from "@kagami/testkit";
import { expect, test } from "vitest";
import { type Decoded, decodeAll, differences } from "./support/decoded.ts";

/** What one server's player saw of the source, against what the source holds. */
async function throughServer(
  sourcePath: string,
  publishUrl: string,
  playUrl: string,
  isWaiting: () => Promise<boolean>,
): Promise<Decoded> {
  const player = decodeAll(playUrl);
  await eventually(isWaiting, { timeoutMs: 15_000, what: "The player waits" });
  const args = [
    "-hide_banner",
    "-loglevel",
    "error",
    "-nostdin",
    "-re",
    "-i",
    sourcePath,
    "-c",
    "copy",
    "-f",
    "flv",
    publishUrl,
  ];
  const { exitCode, stderr } = await runTool("ffmpeg", args);
  expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: "" });
  return await player;
}

/**
 * Where we differ from nginx-rtmp 1.2 on purpose, and why:
 *
 * - Sound is laid end to end (within 25 ms of the wire), since RTMP's whole milliseconds leave gaps that browsers hear.
 * - Time begins near 0 for each broadcast; nginx passes the publisher's clock on. Both keep the distance of picture and
 *   sound, which is what is compared.
 * - A player that comes in mid-stream gets everything since the key frame at once; nginx gives it what comes next.
 * - A second publisher takes over; nginx refuses it.
 */
test("the same publisher and player see the same through nginx-rtmp and through us", async () => {
  await withTempDir(async (dir) => {
    const path = `${dir}/source.flv`;
    const made = await runTool("ffmpeg", ["-v", "error", ...clipArgs({ seconds: 3, bFrames: 2 }), "-f", "flv", path]);
    expect(made.exitCode).toBe(0);
    const source = await decodeAll(path);

    const server = await startTestServer(dir, { openPublish: true, graceMs: 100 });
    const nginx = await startNginxRtmp({
      serverDirectives: "chunk_size 4096; drop_idle_publisher 5s;",
      applicationDirectives: "idle_streams on; play_restart off; publish_notify on;",
    });
    try {
      const ourUrl = `rtmp://127.0.0.1:${server.rtmpPort}/live/game`;
      const nginxUrl = `rtmp://127.0.0.1:${nginx.port}/live/game`;
      const isWaitingHere = async () =>
        (await server.ask("GET", "/api/channels")).json.channels !== undefined && (await playersHere()) > 0;
      const playersHere = async () => {
        const metrics = await (await fetch(`${server.admin}/metrics`)).text();
        return Number(/^kagami_live_stream_viewers\{channel="game",protocol="rtmp"\} (\d+)/m.exec(metrics)?.[1] ?? 0);
      };
      const [ours, theirs] = await Promise.all([
        throughServer(path, ourUrl, ourUrl, isWaitingHere),
        throughServer(path, nginxUrl, nginxUrl, () => hasConnection(nginx.port)),
      ]);
      expect(differences(source, ours)).toEqual([]);
      expect(differences(source, theirs, { audioMs: 1.5 })).toEqual([]);
      expect(ours.video.map(({ md5 }) => md5)).toEqual(theirs.video.map(({ md5 }) => md5));
      expect(ours.audio.map(({ md5 }) => md5)).toEqual(theirs.audio.map(({ md5 }) => md5));
    } finally {
      await nginx.stop();
      await server.close();
    }
  });
});

/** Whether somebody is connected to a port of this machine, by the kernel's own table. */
async function hasConnection(port: number): Promise<boolean> {
  const { readFile } = await import("node:fs/promises");
  const table = await readFile("/proc/net/tcp", "utf8");
  const hex = port.toString(16).toUpperCase().padStart(4, "0");
  return table.split("\n").some((line) => line.includes(`:${hex} `) && / 01 /.test(line));
}
