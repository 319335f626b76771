import { FakeClock } from "@kagami/clock";
import fc from "fast-check";
import { expect, test } from "vitest";
import { createLogger, type LoggerOptions } from "./logger.ts";

const START_MS = Date.UTC(2026, 0, 2, 3, 4, 5, 678);

/** A logger on a fake clock and the lines it wrote. */
function capture(options: Partial<LoggerOptions> = {}) {
  const lines: string[] = [];
  const clock = new FakeClock(START_MS);
  const sink = { write: (line: string) => void lines.push(line), flush: () => Promise.resolve() };
  const log = createLogger({ format: "json", sink, clock, ...options });
  return { log, clock, lines, parsed: () => lines.map((line) => JSON.parse(line)) };
}

test("an event is one JSON line with time, level, name and fields", () => {
  const { log, lines } = capture();
  log.info("publisher.accepted", { channel: "mirror", bitrateKbps: 2_500 });
  expect(lines).toEqual([
    '{"at":"2026-01-02T03:04:05.678Z","level":"info","event":"publisher.accepted","channel":"mirror","bitrateKbps":2500}\n',
  ]);
});

test.each([
  { level: "error", written: ["error"] },
  { level: "warn", written: ["error", "warn"] },
  { level: "info", written: ["error", "warn", "info"] },
  { level: "debug", written: ["error", "warn", "info", "debug"] },
] as const)("at level $level, $written are written", ({ level, written }) => {
  const { log, parsed } = capture({ level });
  for (const name of ["error", "warn", "info", "debug"] as const) {
    log[name]("happened");
    expect(log.isEnabled(name)).toBe((written as readonly string[]).includes(name));
  }
  expect(parsed().map((line) => line.level)).toEqual(written);
});

test("children add their fields, and the event's own win", () => {
  const { log, parsed } = capture({ fields: { part: "live" } });
  log.child({ peer: "a", channel: "x" }).child({ channel: "y" }).info("happened", { peer: "b" });
  expect(parsed()[0]).toMatchObject({ part: "live", channel: "y", peer: "b" });
});

test("fields cannot pose as time, level or name", () => {
  const { log, parsed } = capture();
  log.info("happened", { at: 1, level: "error", event: "forged" });
  expect(parsed()[0]).toMatchObject({ level: "info", event: "happened", at_: 1, level_: "error", event_: "forged" });
});

test.each([
  "key",
  "token",
  "secret",
  "password",
  "authorization",
  "cookie",
  "streamKey",
  "operator_token",
  "x-api-key",
  "STREAM_KEY",
  "tokens",
])("the text of a field named %s is redacted at any depth", (name) => {
  const { log, lines } = capture();
  log.info("happened", { [name]: "hunter2", inner: { list: [{ [name]: { value: "hunter2" } }] } });
  log.child({ [name]: "hunter2" }).info("happened");
  expect(lines.join("")).not.toContain("hunter2");
});

test.each(["keyFrameAgeMs", "monkey", "isKey", "tokenCount", "keyboard"])("a field named %s is no secret", (name) => {
  const { log, parsed } = capture();
  log.info("happened", { [name]: name === "isKey" ? true : "shown" });
  expect(parsed()[0][name]).toBe(name === "isKey" ? true : "shown");
});

test("long text is cut and says how long it was", () => {
  const { log, parsed } = capture();
  log.info("happened", { app: "x".repeat(100_000) });
  expect(parsed()[0].app).toMatch(/^x{4096}… \(cut, 100000 characters\)$/);
});

test("a field that is wide and deep cannot make a line huge, and costs little to cut", () => {
  let value: unknown = "x".repeat(5_000);
  for (let depth = 0; depth < 6; depth++) value = Array(1_000).fill(value);
  const { log, lines } = capture();
  log.info("happened", {
    value,
    object: Object.fromEntries(Array.from({ length: 500 }, (_, i) => ["k".repeat(5_000) + i, i])),
  });
  expect(lines[0]?.length).toBeLessThan(60_000);
});

test("errors keep code, message, stack and cause", () => {
  const { log, parsed } = capture();
  const cause = Object.assign(new Error("no space"), { code: "ENOSPC" });
  log.error("write.failed", { error: new Error("cannot write", { cause }) });
  expect(parsed()[0].error).toMatchObject({
    name: "Error",
    message: "cannot write",
    stack: expect.stringContaining("logger.test.ts"),
    cause: { code: "ENOSPC", message: "no space" },
  });
});

test.each([
  { why: "bytes", make: () => new Uint8Array(5) },
  { why: "a bigint", make: () => 5n },
  { why: "not a number", make: () => Number.NaN },
  { why: "a function", make: () => () => undefined },
  { why: "a map", make: () => new Map([["a", 1]]) },
  { why: "a date that is none", make: () => new Date(Number.NaN) },
  {
    why: "a getter that throws",
    make: () => ({
      get broken() {
        throw new Error("boom");
      },
    }),
  },
])("a field that JSON cannot hold is written somehow: $why", ({ make }) => {
  const value: Record<string, unknown> = { inner: make() };
  value.cycle = value;
  const { log, parsed } = capture();
  log.info("happened", { value, alone: make() });
  expect(parsed()[0]).toHaveProperty("value");
  expect(parsed()[0]).toHaveProperty("alone");
});

test("any value is logged as one line of JSON that is not huge", () => {
  fc.assert(
    fc.property(
      fc.anything({ withBigInt: true, withMap: true, withTypedArray: true, withNullPrototype: true }),
      (value) => {
        const { log, lines } = capture();
        log.info("happened", { value });
        expect(lines).toHaveLength(1);
        expect(lines[0]?.length).toBeLessThan(60_000);
        expect(lines[0]?.indexOf("\n")).toBe((lines[0]?.length ?? 0) - 1);
        JSON.parse(lines[0] ?? "");
      },
    ),
  );
});

test("a flood of one event is held back and summarised; others still pass", () => {
  const { log, clock, parsed } = capture({ limitPerSecond: 3 });
  for (let i = 0; i < 10; i++) log.warn("handshake.failed", { i });
  log.info("publisher.accepted");
  expect(parsed().map(({ event }) => event)).toEqual([...Array(3).fill("handshake.failed"), "publisher.accepted"]);
  clock.advance(1_000);
  log.warn("handshake.failed", { i: 10 });
  expect(parsed().slice(4)).toMatchObject([
    { level: "warn", event: "log.suppressed", suppressedEvent: "handshake.failed", count: 7 },
    { event: "handshake.failed", i: 10 },
  ]);
});

test("what was held back is summarised on flush, too", async () => {
  const { log, parsed } = capture({ limitPerSecond: 1 });
  log.info("a.happened");
  log.info("a.happened");
  await log.flush();
  expect(parsed().at(-1)).toMatchObject({ event: "log.suppressed", count: 1 });
});

test("event names made up by a peer cannot fill the memory or the disk", () => {
  const { log, lines } = capture({ limitPerSecond: 1 });
  for (let i = 0; i < 5_000; i++) log.info(`peer.said_${i}`);
  expect(lines.length).toBe(1_001);
});

test("the pretty form escapes what a terminal would obey, and shows the stack of an error below", () => {
  const { log, lines } = capture({ format: "pretty" });
  log.warn("peer.rude", {
    text: "a\u001b[2Jb\u009bc\u202ed",
    plain: "x=1",
    error: Object.assign(new Error("bad"), { code: "E1" }),
  });
  const [first, ...rest] = (lines[0] ?? "").split("\n");
  expect(first).toBe('03:04:05.678 WARN  peer.rude text="a\\u001b[2Jb\\u009bc\\u202ed" plain="x=1" error="E1: bad"');
  expect(rest[0]).toMatch(/^ {4}at /);
});
