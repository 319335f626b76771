import { createRandom, type Random, seeds } from "@kagami/clock";
import { countHyperLogLog, countHyperLogLogs, HllEditor, mergeHyperLogLogs } from "@kagami/ranking/hyperloglog";
import { type Reference, startRedis } from "@kagami/testkit";
import { afterAll, beforeAll, expect, test } from "vitest";
import { connectRedis, type RedisClient, ReplyError } from "./support/redis-client.ts";

let server: Reference;
let redis: RedisClient;
beforeAll(async () => {
  server = await startRedis();
  redis = await connectRedis(server.port);
});
afterAll(async () => {
  redis.close();
  await server.stop();
});

/** Our strings, under the names that the server has them by. */
class Model {
  readonly values = new Map<string, Uint8Array>();
  readonly #editor = new HllEditor();

  add(key: string, elements: readonly Uint8Array[]): number | string {
    const old = this.values.get(key);
    const editor = this.#editor;
    if (!editor.open(old)) return "WRONGTYPE Key is not a valid HyperLogLog string value.";
    let changed = old === undefined ? 1 : 0;
    let error: string | undefined;
    for (const element of elements) {
      const result = editor.add(element, 0, element.length);
      if (result < 0) {
        error = "INVALIDOBJ Corrupted HLL object detected";
        break;
      }
      changed += result;
    }
    if (changed > 0 && error === undefined) editor.forgetCount();
    this.values.set(key, editor.bytes.slice());
    return error ?? (changed > 0 ? 1 : 0);
  }

  count(keys: readonly string[]): number | string {
    const values = keys.map((key) => this.values.get(key));
    if (keys.length === 1 && values[0] === undefined) return 0;
    const result = keys.length === 1 ? countHyperLogLog(values[0]!) : countHyperLogLogs(values);
    return "error" in result ? result.error : result.count;
  }

  merge(target: string, sources: readonly string[]): string {
    const rest = sources.map((key) => this.values.get(key));
    const error = mergeHyperLogLogs(this.#editor, [this.values.get(target), ...rest]);
    if (error !== undefined) return error;
    this.values.set(target, this.#editor.bytes.slice());
    return "OK";
  }
}

async function answered(...command: (string | Uint8Array)[]): Promise<number | string> {
  const reply = await redis.send(...command);
  if (reply instanceof ReplyError) return reply.message;
  return typeof reply === "number" ? reply : String(reply);
}

async function expectSame(model: Model): Promise<void> {
  for (const [key, value] of model.values) {
    const theirs = (await redis.ask("GET", key)) as Buffer;
    if (!theirs.equals(value)) expect({ key, value }).toEqual({ key, value: new Uint8Array(theirs) });
  }
}

function elements(random: Random, count: number): Uint8Array[] {
  return Array.from({ length: count }, () => random.bytes(random.int(0, 40)));
}

test.each(seeds(25))("generated adding, counting and merging leaves the same bytes, seed %i", async (seed) => {
  const random = createRandom(seed);
  const model = new Model();
  const keys = ["a", "b", "c", "d"];
  await redis.ask("FLUSHALL");
  for (let step = 0; step < 60; step++) {
    const key = random.pick(keys);
    const others = Array.from({ length: random.int(0, 3) }, () => random.pick(keys));
    if (random.chance(0.6)) {
      const added = elements(random, random.pick([0, 1, 2, 5, 30, 200, 1_500]));
      expect(model.add(key, added)).toBe(await answered("PFADD", key, ...added));
    } else if (random.chance(0.7)) {
      expect(model.count([key, ...others])).toBe(await answered("PFCOUNT", key, ...others));
    } else {
      expect(model.merge(key, others)).toBe(await answered("PFMERGE", key, ...others));
    }
    await expectSame(model);
  }
});

test("a sparse one is the same after every single element up to the step to dense, and the dense one after it", async () => {
  const model = new Model();
  await redis.ask("FLUSHALL");
  let denseAt = 0;
  for (let i = 0; i < 4_000 && (denseAt === 0 || i < denseAt + 50); i++) {
    const element = Buffer.from(`viewer:${i}`);
    expect(model.add("k", [element])).toBe(await answered("PFADD", "k", element));
    await expectSame(model);
    if (i % 50 === 0) expect(model.count(["k"])).toBe(await answered("PFCOUNT", "k"));
    if (denseAt === 0 && model.values.get("k")?.[4] === 0) denseAt = i;
  }
  expect(denseAt).toBeGreaterThan(1_000);
});

test("200,000 elements count the same all the way up", async () => {
  const model = new Model();
  await redis.ask("FLUSHALL");
  for (let i = 0; i < 200; i++) {
    const added = Array.from({ length: 1_000 }, (_, j) => Buffer.from(`${i}:${j}`));
    expect(model.add("k", added)).toBe(await answered("PFADD", "k", ...added));
    expect(model.count(["k"])).toBe(await answered("PFCOUNT", "k"));
  }
  await expectSame(model);
});

const HEADER = [0x48, 0x59, 0x4c, 0x4c];
const sparse = (...runs: number[]): Buffer => Buffer.from([...HEADER, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x80, ...runs]);
const dense = (fill: number): Buffer =>
  Buffer.concat([Buffer.from([...HEADER, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x80]), Buffer.alloc(12_288, fill)]);
test.each([
  { value: Buffer.from("hello"), why: "a string of another kind" },
  { value: Buffer.alloc(0), why: "an empty string" },
  { value: Buffer.from([...HEADER, 2, ...Buffer.alloc(11)]), why: "an unknown encoding" },
  { value: dense(0).subarray(0, 12_303), why: "a dense one cut off" },
  { value: sparse(), why: "a sparse one without runs" },
  { value: sparse(0x7f, 0xfe), why: "one register too few" },
  { value: sparse(0x7f, 0xff, 0x00), why: "one register of zero too many" },
  { value: sparse(0x7f, 0xff, 0x84), why: "one register with a value too many" },
  { value: sparse(0x7f, 0xfc, 0x83), why: "runs that together are one register too many" },
  { value: sparse(0x7f, 0xfb, 0x87), why: "four registers of 2 at the end" },
  { value: sparse(0x40, 0x00, 0x7f, 0xfe), why: "a long zero of one register" },
  { value: dense(0xff), why: "registers of 63, which no element gives" },
  { value: dense(0x00), why: "registers of 0 without a count" },
  { value: dense(0x41), why: "registers of many values" },
  { value: Buffer.from(sparse(0x7f, 0xff)).fill(0x12, 8, 13).fill(0, 13), why: "a forged count is believed" },
])("$why is treated as Redis treats it", async ({ value }) => {
  const model = new Model();
  await redis.ask("FLUSHALL");
  const set = async (): Promise<void> => {
    model.values.set("k", new Uint8Array(value));
    await redis.ask("SET", "k", value);
  };
  const added = elements(createRandom(5), 8);
  await set();
  for (const keys of [["k"], ["k", "none"]]) {
    expect(model.count(keys)).toBe(await answered("PFCOUNT", ...keys));
    await expectSame(model);
  }
  await set();
  for (const element of added) {
    expect(model.add("k", [element])).toBe(await answered("PFADD", "k", element));
    await expectSame(model);
  }
  await set();
  expect(model.merge("target", ["k"])).toBe(await answered("PFMERGE", "target", "k"));
  expect(model.merge("k", ["none"])).toBe(await answered("PFMERGE", "k", "none"));
  await expectSame(model);
});
