import { runTool } from "@kagami/testkit";
import Memcached from "memcached";
import * as memjs from "memjs";
import { afterAll, beforeAll, expect, test } from "vitest";
import { EXPECTED, PYMEMCACHE, phpMemcached, pylibmc } from "./support/client-programs.ts";
import { type Proxied, startProxied } from "./support/proxied.ts";

let proxied: Proxied;
beforeAll(async () => {
  proxied = await startProxied({ serverCount: 3 });
});
afterAll(() => proxied.close());

test.each([
  { client: "pymemcache", command: "/usr/bin/python3", args: ["-c", PYMEMCACHE], debianPackage: "python3-pymemcache" },
  { client: "pylibmc", command: "/usr/bin/python3", args: ["-c", pylibmc(false)], debianPackage: "python3-pylibmc" },
  {
    client: "pylibmc, binary",
    command: "/usr/bin/python3",
    args: ["-c", pylibmc(true)],
    debianPackage: "python3-pylibmc",
  },
  { client: "php-memcached", command: "php", args: ["-r", phpMemcached(false)], debianPackage: "php-memcached" },
  { client: "php-memcached, binary", command: "php", args: ["-r", phpMemcached(true)], debianPackage: "php-memcached" },
])("$client does its ordinary use through the proxy", async ({ command, args, debianPackage }) => {
  const options = { timeoutMs: 15_000, debianPackage };
  const { stdout, stderr, exitCode } = await runTool(command, [...args, String(proxied.port)], options);
  expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: "" });
  expect(JSON.parse(stdout)).toEqual(EXPECTED);
});

test("memjs, which speaks the binary protocol, does its ordinary use through the proxy", async () => {
  const client = memjs.Client.create(`127.0.0.1:${proxied.port}`, { timeout: 5, retries: 0 });
  const text = async (key: string) => (await client.get(key)).value?.toString("latin1") ?? null;
  try {
    expect(await client.set("j:a", "value", { expires: 100 })).toBe(true);
    expect(await text("j:a")).toBe("value");
    expect(await text("j:none")).toBeNull();
    expect([await client.add("j:new", "x", {}), await client.add("j:new", "y", {})]).toEqual([true, false]);
    expect([await client.replace("j:new", "z", {}), await client.replace("j:never", "z", {})]).toEqual([true, false]);
    await client.append("j:a", ">");
    expect(await text("j:a")).toBe("value>");
    expect((await client.increment("j:n", 1, { initial: 10, expires: 0 })).value).toBe(10);
    expect((await client.increment("j:n", 5, { initial: 10, expires: 0 })).value).toBe(15);
    expect((await client.decrement("j:n", 2, { initial: 0, expires: 0 })).value).toBe(13);
    expect(await client.touch("j:a", 100)).toBe(true);
    expect([await client.delete("j:a"), await client.delete("j:a")]).toEqual([true, false]);
    const big = Buffer.alloc(300_000, "b");
    await client.set("j:big", big, {});
    expect((await client.get("j:big")).value).toEqual(big);
    const keys = Array.from({ length: 60 }, (_, i) => `j:many:${i}`);
    await Promise.all(keys.map((key, i) => client.set(key, String(i), {})));
    expect(await Promise.all(keys.map(text))).toEqual(keys.map((_, i) => String(i)));
  } finally {
    client.close();
  }
});

test("memcached of npm, which speaks the text protocol, does its ordinary use through the proxy", async () => {
  const client = new Memcached(`127.0.0.1:${proxied.port}`, { timeout: 5_000, retries: 0 });
  const call = <T>(name: string, ...args: unknown[]): Promise<T> => {
    const method = (client as unknown as Record<string, (...all: unknown[]) => void>)[name];
    if (!method) throw new Error(`memcached has no ${name}`);
    return new Promise<T>((resolve, reject) => {
      const done = (error: unknown, value: T): void => (error ? reject(error) : resolve(value));
      method.call(client, ...args, done);
    });
  };
  try {
    expect(await call("set", "m:a", "value", 100)).toBe(true);
    expect(await call("get", "m:a")).toBe("value");
    expect(await call("get", "m:none")).toBeUndefined();
    expect(await call("add", "m:new", "x", 0)).toBe(true);
    await expect(call("add", "m:new", "y", 0)).rejects.toThrow("Item is not stored");
    expect(await call("replace", "m:new", "z", 0)).toBe(true);
    await call("append", "m:a", ">");
    await call("prepend", "m:a", "<");
    expect(await call("get", "m:a")).toBe("<value>");
    await call("set", "m:n", 10, 0);
    expect([await call("incr", "m:n", 1), await call("decr", "m:n", 2)]).toEqual([11, 9]);
    const keys = Array.from({ length: 60 }, (_, i) => `m:many:${i}`);
    for (const key of keys) await call("set", key, key, 0);
    const many = await call<Record<string, string>>("getMulti", keys);
    expect(many).toEqual(Object.fromEntries(keys.map((key) => [key, key])));
    const { cas } = await call<{ cas: string }>("gets", "m:a");
    expect(await call("cas", "m:a", "second", cas, 0)).toBe(true);
    expect(await call("cas", "m:a", "third", cas, 0)).toBe(false);
    expect(await call("touch", "m:a", 100)).toBe(true);
    await call("set", "m:big", "b".repeat(300_000), 0);
    expect((await call<string>("get", "m:big")).length).toBe(300_000);
    expect([await call("del", "m:a"), await call("get", "m:a")]).toEqual([true, undefined]);
  } finally {
    client.end();
  }
});
