import { connect, type Socket } from "node:net";
import { ScriptRuntime } from "@kagami/ranking";
import { type Reference, startRedis } from "@kagami/testkit";
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { SCRIPT_GROUPS } from "./script-cases.ts";
import { LIBRARY_GROUPS } from "./script-library-cases.ts";

let redis: Reference;
let socket: Socket;
let received = "";
let wake: () => void = () => undefined;

/** What an inner command answers in ours: the handful that the scripts use. */
class Store {
  readonly #values = new Map<string, string>();

  call(args: readonly Uint8Array[]): Uint8Array {
    const [name = "", ...rest] = args.map((arg) => Buffer.from(arg).toString("latin1"));
    return Buffer.from(this.#reply(name.toUpperCase(), rest), "latin1");
  }

  #reply(name: string, args: readonly string[]): string {
    const [key = "", value = ""] = args;
    const bulk = (text: string | undefined): string =>
      text === undefined ? "$-1\r\n" : `$${text.length}\r\n${text}\r\n`;
    if (name === "PING") return "+PONG\r\n";
    if (name === "GET") return bulk(this.#values.get(key));
    if (name === "MGET") return `*${args.length}\r\n${args.map((each) => bulk(this.#values.get(each))).join("")}`;
    if (name === "SET") {
      this.#values.set(key, value);
      return "+OK\r\n";
    }
    const number = Number(this.#values.get(key) ?? "0") + 1;
    if (Number.isNaN(number)) return "-ERR value is not an integer or out of range\r\n";
    this.#values.set(key, String(number));
    return `:${number}\r\n`;
  }
}

function command(args: readonly string[]): string {
  return `*${args.length}\r\n${args.map((arg) => `$${Buffer.byteLength(arg, "latin1")}\r\n${arg}\r\n`).join("")}`;
}

/** Sends commands and reads until the answer of a last ECHO, so that what is between need not be understood. */
async function ask(commands: readonly (readonly string[])[]): Promise<string> {
  const end = "$7\r\n--end--\r\n";
  received = "";
  socket.write(Buffer.from(commands.map(command).join("") + command(["ECHO", "--end--"]), "latin1"));
  while (!received.endsWith(end)) await new Promise<void>((resolve) => (wake = resolve));
  return received.slice(0, -end.length);
}

beforeAll(async () => {
  redis = await startRedis();
  socket = connect(redis.port, "127.0.0.1");
  socket.setNoDelay(true);
  socket.on("data", (chunk) => {
    received += chunk.toString("latin1");
    wake();
  });
});

afterAll(async () => {
  socket.destroy();
  await redis.stop();
});

class Ours {
  readonly #runtime = new ScriptRuntime();
  readonly #store = new Store();

  eval(script: string, resp: 2 | 3, args: readonly string[]): string {
    const compiled = this.#runtime.compile(Buffer.from(script, "latin1"), false);
    if (compiled.kind === "error") return `-${compiled.message}\r\n`;
    const [key = "", ...argv] = args.map((arg) => Buffer.from(arg, "latin1"));
    const host = {
      call: (inner: readonly Uint8Array[]) => this.#store.call(inner),
      log: () => undefined,
      isAllowed: () => true,
      shouldStop: () => false,
    };
    const reply = this.#runtime.run({ sha: compiled.sha, keys: [Buffer.from(key)], argv, resp, seed: 0, host });
    return Buffer.from(reply).toString("latin1");
  }
}

const ARGS = ["key", "first", "\0\xff\r\n"];

describe.each([2, 3] as const)("on a RESP%i connection", (resp) => {
  test.each([...SCRIPT_GROUPS, ...LIBRARY_GROUPS])(
    "Redis and ours answer scripts alike: $about",
    async ({ scripts }) => {
      await ask([["HELLO", String(resp)], ["FLUSHALL"]]);
      const ours = new Ours();
      const differing: unknown[] = [];
      for (const script of scripts) {
        const theirs = await ask([["EVAL", script, "1", ...ARGS]]);
        const mine = ours.eval(script, resp, ARGS);
        if (theirs !== mine) differing.push({ script, theirs, mine });
      }
      expect(differing).toEqual([]);
    },
  );
});

const literal: fc.Arbitrary<string> = fc.letrec<{ value: string }>((tie) => ({
  value: fc.oneof(
    { depthSize: "small", withCrossShrink: true },
    fc.double({ noNaN: true, noDefaultInfinity: true }).map((n) => `(${n})`),
    fc.integer().map((n) => `(${n})`),
    fc.boolean().map(String),
    fc.uint8Array({ maxLength: 12 }).map((b) => `'${[...b].map((c) => `\\${String(c).padStart(3, "0")}`).join("")}'`),
    fc.array(tie("value"), { maxLength: 4 }).map((values) => `{${values.join(",")}}`),
    fc.tuple(fc.stringMatching(/^[a-z]{1,3}$/), tie("value")).map(([key, value]) => `{['${key}']=${value}}`),
  ),
})).value;

test.each([
  "return %",
  "return {%,%}",
  "return cjson.encode(%)",
  "return cjson.encode(cjson.decode(cjson.encode({%})))",
  "return cmsgpack.pack(%)",
  "return cjson.encode({cmsgpack.unpack(cmsgpack.pack(%))})",
  "return tostring(%)..''",
  "return redis.error_reply(%)",
  "error(%)",
  "return {% == %, type(%)}",
  "return struct.pack('>i8d',%,%)",
  "return bit.tohex(%)",
  "return string.format('%%q %%s %%g',%,%,%)",
])("Redis and ours answer generated values alike: %s", async (template) => {
  await ask([["HELLO", "3"], ["FLUSHALL"]]);
  const ours = new Ours();
  await fc.assert(
    fc.asyncProperty(fc.array(literal, { minLength: 4, maxLength: 4 }), async (values) => {
      let next = 0;
      const script = template
        .replaceAll("%%", "\u0001")
        .replaceAll("%", () => values[next++] ?? "nil")
        .replaceAll("\u0001", "%");
      // Redis 7.0.15 crashes on an error that is a table without `err`.
      fc.pre(!(template.startsWith("error") && script.includes("{")));
      // Both call a table by its address.
      fc.pre(!(template.includes("tostring") && script.includes("{")));
      expect(ours.eval(script, 3, ARGS)).toBe(await ask([["EVAL", script, "1", ...ARGS]]));
    }),
    { numRuns: 60 },
  );
});
