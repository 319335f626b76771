import { spawn } from "node:child_process";
import { appendFile, mkdir, readdir, readFile, stat, truncate, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { eventually, isProcessAlive, runTool, withTempDir } from "@kagami/testkit";
import { expect, test } from "vitest";
import { decode, encodeClip, probe, RtmpPeer, startTestServer, WsViewer } from "./support/index.ts";

async function recordings(dir: string, channel = "game"): Promise<string[]> {
  const names = await readdir(join(dir, "recordings", channel)).catch(() => []);
  return names.map((name) => join(dir, "recordings", channel, name)).sort();
}

test("a recording is what was published, picture for picture, and a new file starts when the size changes", async () => {
  const clip = await encodeClip({ seconds: 2, gop: 25 });
  const larger = await encodeClip({ seconds: 1, gop: 25, size: "320x180" });
  await withTempDir(async (dir) => {
    const server = await startTestServer(dir, { openPublish: true, record: "all", graceMs: 50 });
    const publisher = await RtmpPeer.open({ port: server.rtmpPort, name: "game" });
    publisher.sendClip(clip);
    await eventually(async () => (await recordings(dir))[0]?.endsWith(".recording.mp4"));
    const growing = (await recordings(dir))[0] ?? "";
    await eventually(async () => (await stat(growing)).size > 10_000);
    expect(await probe(growing, "stream=codec_name"), "it plays while it grows").toMatch(/h264\s+aac/);
    publisher.send([...larger.headers, ...larger.media].map((m) => ({ ...m, timestampMs: m.timestampMs + 2_000 })));
    await eventually(() => server.events("recording.started").length === 2);
    publisher.leave();
    await eventually(() => server.events("recording.finished").length === 2);
    const files = await recordings(dir);
    expect(files.every((file) => !file.includes(".recording."))).toBe(true);
    const recorded = await Promise.all(files.map((file) => decode(file, { stream: "v" })));
    const counts = recorded.map(({ frames }) => frames.length).sort();
    expect(counts).toEqual([25, 50]);
    const source = await decode(clip.flv, { stream: "v", format: "flv" });
    const first = recorded.find(({ frames }) => frames.length === 50);
    expect(first?.complaints).toBe("");
    expect(first?.frames.map(({ md5 }) => md5)).toEqual(source.frames.map(({ md5 }) => md5));
    await server.close();
  });
});

test("a server that is killed loses at most one second, and the next start cuts the torn end", async () => {
  const clip = await encodeClip({ seconds: 2, gop: 25 });
  await withTempDir(async (dir) => {
    const script = fileURLToPath(new URL("support/live-process.ts", import.meta.url));
    const child = spawn(process.execPath, [script, dir], { stdio: ["ignore", "pipe", "inherit"] });
    let output = "";
    child.stdout.on("data", (bytes) => {
      output += String(bytes);
    });
    await eventually(() => output.includes("\n"), { timeoutMs: 15_000, what: "The server's start" });
    const rtmpPort = Number((JSON.parse(output) as { rtmp: string }).rtmp.split(":")[1]);
    const publisher = await RtmpPeer.open({ port: rtmpPort, name: "game" });
    publisher.loopClip(clip);
    await eventually(() => publisher.sentMs > 2_600, { timeoutMs: 15_000 });
    child.kill("SIGKILL");
    const sentMs = publisher.sentMs;
    await eventually(() => !isProcessAlive(child.pid ?? 0));
    publisher.vanish();

    const [torn = ""] = await recordings(dir);
    expect(torn).toMatch(/\.recording\.mp4$/);
    const wholeBytes = (await stat(torn)).size;
    // The machine itself did not fail, so the tear is made by hand: half of a fragment.
    await appendFile(torn, (await readFile(torn)).subarray(-300, -100));
    const server = await startTestServer(dir, { record: "all" });
    expect(server.events("recording.mended")).toHaveLength(1);
    const [mended = ""] = await recordings(dir);
    expect(mended).not.toContain(".recording.");
    expect((await stat(mended)).size).toBeLessThanOrEqual(wholeBytes);
    const { frames, complaints } = await decode(mended, { stream: "v" });
    expect(complaints).toBe("");
    expect(sentMs - (frames.at(-1)?.ptsMs ?? 0)).toBeLessThan(1_000);
    await server.close();
  });
});

test("a file that was torn in its first second is mended too, and others are left alone", async () => {
  const clip = await encodeClip({ seconds: 2, gop: 25 });
  await withTempDir(async (dir) => {
    const server = await startTestServer(dir, { openPublish: true, record: "all" });
    const publisher = await RtmpPeer.open({ port: server.rtmpPort, name: "game" });
    publisher.sendClip(clip);
    await eventually(async () => (await stat((await recordings(dir))[0] ?? "")).size > 10_000);
    await server.close();
    const [whole = ""] = await recordings(dir);
    const bytes = await readFile(whole);
    const folder = join(dir, "recordings", "game");
    for (const [name, length] of [
      ["empty", 0],
      ["init", 400],
      ["some", bytes.length >> 1],
    ] as const) {
      const path = join(folder, `${name}.recording.mp4`);
      await appendFile(path, bytes);
      await truncate(path, length);
    }
    const next = await startTestServer(dir);
    expect(next.events("recording.mended")).toHaveLength(3);
    expect(await readFile(whole)).toEqual(bytes);
    expect((await decode(join(folder, "some.mp4"), { stream: "v" })).complaints).toBe("");
    await next.close();
  });
});

test("a full disk gives the recording up cleanly, while the broadcast goes on", async () => {
  const clip = await encodeClip({
    seconds: 1,
    size: "320x180",
    filter: "noise=alls=60:allf=t",
    encoderArgs: ["-qp", "10"],
  });
  await withTempDir(async (dir) => {
    const recordDir = join(dir, "small");
    await mkdir(recordDir);
    // A disk of two megabytes. Where mounting is not allowed, a directory that cannot be made has to do.
    const size = ["-t", "tmpfs", "-o", "size=2m", "tmpfs", recordDir];
    const isSmallDisk = (await runTool("mount", size, { debianPackage: "mount" })).exitCode === 0;
    if (!isSmallDisk) await writeFile(join(recordDir, "game"), "not a directory");
    try {
      const server = await startTestServer(dir, { openPublish: true, record: "all", recordDir });
      const publisher = await RtmpPeer.open({ port: server.rtmpPort, name: "game" });
      const viewer = await WsViewer.open(`${server.ws}/live/game/ws`);
      publisher.loopClip(clip);
      await eventually(() => server.events("recording.given_up").length === 1, { timeoutMs: 10_000 });
      const seen = viewer.media.length;
      await eventually(() => viewer.media.length > seen + 20, { what: "The broadcast goes on" });
      publisher.leave();
      if (isSmallDisk) {
        const [file = "", ...others] = await readdir(join(recordDir, "game"));
        expect(others).toEqual([]);
        expect(file).not.toContain(".recording.");
        expect((await decode(join(recordDir, "game", file), { stream: "v" })).complaints).toBe("");
      }
      const metrics = await (await fetch(`${server.admin}/metrics`)).text();
      expect(metrics).toMatch(/^kagami_live_recording_failures_total 1$/m);
      expect(server.events("recording.given_up")[0]).toMatchObject({ level: "error", mend: expect.any(String) });
      await server.close();
    } finally {
      if (isSmallDisk) await runTool("umount", [recordDir], { debianPackage: "mount" });
    }
  });
});
