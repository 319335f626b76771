import { existsSync } from "node:fs";
import { connect } from "node:net";
import { expect, test } from "vitest";
import { eventually } from "./eventually.ts";
import { freePort, startReference } from "./reference.ts";
import { startNginxRtmp } from "./reference-presets.ts";
import { isProcessAlive, runTool } from "./tool.ts";

const node = process.execPath;

test("nginx-rtmp starts on its own port, answers a handshake and leaves nothing behind", async () => {
  const nginx = await startNginxRtmp();
  try {
    expect(nginx.version).toMatch(/^\d+\.\d+/);
    const firstByte = await new Promise<number | undefined>((resolve, reject) => {
      const socket = connect({ host: "127.0.0.1", port: nginx.port }, () => {
        const c0c1 = new Uint8Array(1_537);
        c0c1[0] = 3;
        socket.write(c0c1);
      });
      socket.once("error", reject);
      socket.once("data", (bytes) => {
        resolve(bytes[0]);
        socket.destroy();
      });
    });
    expect(firstByte).toBe(3);
  } finally {
    await nginx.stop();
  }
  await nginx.stop();
  expect(existsSync(nginx.dir)).toBe(false);
  expect(isProcessAlive(nginx.pid)).toBe(false);
});

test("a missing server is an error that names the package, never a skip", async () => {
  const start = startReference({
    command: "no-such-server",
    debianPackage: "some-server",
    args: () => [],
    ready: "tcp",
  });
  await expect(start).rejects.toMatchObject({
    code: "TOOL_MISSING",
    message: expect.stringContaining("sudo apt-get install some-server"),
  });
});

test("a server that ends early is reported with its last words", async () => {
  const script = `console.log("x".repeat(100000)); console.error("bad directive"); process.exitCode = 4;`;
  const start = startReference({ command: node, args: () => ["-e", script], ready: "tcp" });
  await expect(start).rejects.toMatchObject({
    code: "REFERENCE_EXITED",
    message: expect.stringMatching(/code 4.*bad directive/s),
  });
});

test("a server that never becomes ready is ended and reported", async () => {
  const args = (): string[] => ["-c", "echo pid $$; exec sleep 1000"];
  const start = startReference({ command: "sh", args, ready: /ready/, timeoutMs: 1_000 });
  const error: Error = await start.then(
    () => expect.unreachable(),
    (reason: Error) => reason,
  );
  expect(error).toMatchObject({ code: "REFERENCE_NOT_READY" });
  const pid = /pid (\d+)/.exec(error.message)?.[1];
  expect(pid).toBeDefined();
  expect(isProcessAlive(Number(pid))).toBe(false);
});

test("readiness by output, files, extra ports and environment reach the program", async () => {
  const script = `console.log(process.env.NOTE, require("node:fs").readFileSync("conf", "utf8"), "ready"); setInterval(() => {}, 1000);`;
  const reference = await startReference({
    command: node,
    args: () => ["-e", script],
    ready: /ready/,
    files: ({ port, extraPorts }) => ({ conf: `${port}-${extraPorts.length}` }),
    extraPortCount: 2,
    env: { NOTE: "seen" },
  });
  await reference.stop();
  expect(reference.output()).toContain(`seen ${reference.port}-2 ready`);
  expect(new Set([reference.port, ...reference.extraPorts]).size).toBe(3);
});

test("a server that ignores SIGTERM is killed", async () => {
  const script = `process.on("SIGTERM", () => {}); console.log("ready"); setInterval(() => {}, 1000);`;
  const reference = await startReference({ command: node, args: () => ["-e", script], ready: /ready/ });
  await reference.stop(50);
  expect(isProcessAlive(reference.pid)).toBe(false);
});

test("servers die with the process that started them, even if that is killed", async () => {
  const script = `
    const { startReference } = await import(${JSON.stringify(new URL("./reference.ts", import.meta.url).href)});
    const reference = await startReference({ command: process.execPath, ready: /ready/,
      args: () => ["-e", "console.log('ready'); setInterval(() => {}, 1000)"] });
    console.log(reference.pid);
    process.kill(process.pid, "SIGKILL");`;
  const { stdout, signal } = await runTool(node, ["--input-type=module", "-e", script]);
  expect(signal).toBe("SIGKILL");
  const pid = Number(stdout);
  expect(pid).toBeGreaterThan(1);
  await eventually(() => !isProcessAlive(Number(pid)), { what: `the end of process ${pid}` });
});

test("free ports are real ports", async () => {
  expect(await freePort()).toBeGreaterThan(1_023);
});
