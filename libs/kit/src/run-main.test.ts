import { type ChildProcessWithoutNullStreams, spawn } from "node:child_process";
import { connect, type Socket } from "node:net";
import { fileURLToPath } from "node:url";
import { afterEach, expect, test } from "vitest";
import { closeOnce } from "./close-once.ts";

const fixture = fileURLToPath(new URL("../testdata/part.ts", import.meta.url));

interface Line {
  readonly event: string;
  readonly [field: string]: unknown;
}

/** A part as a real process. */
class Part {
  readonly child: ChildProcessWithoutNullStreams;
  readonly ended: Promise<number | null>;
  out = "";
  err = "";
  readonly #watchers: (() => void)[] = [];

  constructor(args: readonly string[]) {
    this.child = spawn(process.execPath, [fixture, ...args]);
    this.child.stdout.on("data", (chunk) => {
      this.out += chunk;
    });
    this.child.stderr.on("data", (chunk) => {
      this.err += chunk;
      for (const watcher of this.#watchers) watcher();
    });
    this.ended = new Promise((resolve) => this.child.once("close", resolve));
  }

  get lines(): Line[] {
    return this.err
      .split("\n")
      .slice(0, -1)
      .map((line) => JSON.parse(line) as Line);
  }

  get events(): string[] {
    return this.lines.map(({ event }) => event);
  }

  /** The first line of that event; fails when the process ends without it. */
  async line(event: string): Promise<Line> {
    const seen = new Promise<Line>((resolve) => {
      const look = (): void => {
        const line = this.lines.find((candidate) => candidate.event === event);
        if (line) resolve(line);
      };
      this.#watchers.push(look);
      look();
    });
    const ended = this.ended.then((code) => {
      throw new Error(`ended with ${code} before ${event}: ${this.err}`);
    });
    return await Promise.race([seen, ended]);
  }

  /** Connects and has a byte echoed, so that the part has surely taken the connection in. */
  async connect(): Promise<Socket> {
    const { demo } = await this.line("ready");
    const socket = connect({ host: "127.0.0.1", port: Number(String(demo).split(":")[1]) });
    socket.on("error", () => undefined);
    socket.write("x");
    await new Promise<void>((resolve) => {
      socket.once("data", () => resolve());
      socket.once("close", () => resolve());
    });
    return socket;
  }
}

const parts: Part[] = [];
afterEach(async () => {
  for (const part of parts.splice(0)) {
    part.child.kill("SIGKILL");
    await part.ended;
  }
});

function run(...args: string[]): Part {
  const part = new Part(args);
  parts.push(part);
  return part;
}

test("a part says ready with its real address, and ends clean on SIGTERM", async () => {
  const part = run("good");
  const ready = await part.line("ready");
  expect(ready).toMatchObject({ level: "info", part: "demo", pid: part.child.pid, tookMs: expect.any(Number) });
  expect(ready.demo).toMatch(/^127\.0\.0\.1:[1-9]\d+$/);
  part.child.kill("SIGTERM");
  expect(await part.ended).toBe(0);
  expect(part.events).toEqual(["ready", "server.stopping", "storage.flushed", "server.stopped"]);
  expect(part.out).toBe("");
});

test("connections get the grace time to end", async () => {
  const part = run("good", "--shutdown-grace-ms", "60s");
  const socket = await part.connect();
  part.child.kill("SIGINT");
  await part.line("server.stopping");
  expect(part.child.exitCode).toBeNull();
  socket.end();
  expect(await part.ended).toBe(0);
});

test("connections that stay are cut after the grace time, and that is clean", async () => {
  const part = run("good", "--shutdown-grace-ms", "20");
  await part.connect();
  part.child.kill("SIGTERM");
  expect(await part.ended).toBe(0);
});

test("a second signal ends it at once with 2", async () => {
  const part = run("good", "--shutdown-grace-ms", "60s");
  await part.connect();
  part.child.kill("SIGTERM");
  await part.line("server.stopping");
  part.child.kill("SIGINT");
  expect(await part.ended).toBe(2);
  expect(part.events).toEqual(["ready", "server.stopping", "server.forced"]);
});

test.each([
  { mode: "close-fails", event: "server.stop_failed", why: "closing failed" },
  { mode: "close-hangs", event: "server.stop_overdue", why: "closing takes longer than it may" },
])("it ends with 3 when $why", async ({ mode, event }) => {
  const part = run(mode, "--shutdown-grace-ms", "10");
  await part.line("ready");
  part.child.kill("SIGTERM");
  expect(await part.ended).toBe(3);
  expect(part.events.at(-1)).toBe(event);
});

test.each([
  { mode: "throws", event: "process.uncaught_exception", message: "bug in a handler" },
  { mode: "rejects", event: "process.unhandled_rejection", message: "bug in a promise" },
])("a bug that nobody catches is logged with its stack and ends it with 3: $mode", async ({ mode, event, message }) => {
  const part = run(mode);
  await part.connect();
  expect(await part.ended).toBe(3);
  const error = part.lines.at(-1);
  expect(error).toMatchObject({ level: "error", event, error: { message, stack: expect.stringContaining("part.ts") } });
});

test("a part that cannot start says why and ends with 1, so that nobody restarts it in a loop", async () => {
  const part = run("fails");
  expect(await part.ended).toBe(1);
  expect(part.lines).toMatchObject([
    { level: "error", event: "server.start_failed", error: { code: "STORAGE_FULL", message: "no disk" } },
  ]);
});

test("a port in use is such a reason", async () => {
  const first = run("good");
  const { demo } = await first.line("ready");
  const second = run("good", "--listen", String(demo));
  expect(await second.ended).toBe(1);
  expect(second.lines[0]).toMatchObject({ error: { code: "PORT_IN_USE" } });
});

test("a wrong configuration is told in plain words and ends it with 1", async () => {
  const part = run("good", "--lisen", "x");
  expect(await part.ended).toBe(1);
  expect(part.err).toContain("unknown setting --lisen; did you mean --listen?");
  expect(part.err).not.toContain("    at ");
});

test("--help and --print-config print to standard output and end with 0", async () => {
  const help = run("good", "--help");
  expect(await help.ended).toBe(0);
  expect(help.out).toContain("--shutdown-grace-ms <number>");
  const table = run("good", "--print-config", "--secret-token", "hunter2");
  expect(await table.ended).toBe(0);
  expect(table.out).toContain("--secret-token");
  expect(table.out).not.toContain("hunter2");
});

test("a part that stops while it starts is closed once it has started", async () => {
  const part = run("done");
  expect(await part.ended).toBe(0);
  expect(part.events).toEqual(["server.stopping", "ready", "storage.flushed", "server.stopped"]);
});

test("a log reader that has gone does not end the part", async () => {
  const part = run("good", "--log", "debug");
  await part.line("ready");
  part.child.stderr.destroy();
  part.child.kill("SIGTERM");
  expect(await part.ended).toBe(0);
});

test("closing twice closes once", async () => {
  let count = 0;
  const close = closeOnce(async (amount: number) => {
    count += amount;
  });
  const first = close(1);
  expect(close(5)).toBe(first);
  await first;
  expect(count).toBe(1);
});
