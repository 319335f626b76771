import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { LIBMEMCACHED_HASHES } from "../key-hashes/key-hash-names.ts";
import { type PlacementKind, selectorFor } from "../placement.ts";

const TESTDATA = join(import.meta.dirname, "..", "..", "testdata");

/** How testdata/README.md describes them. */
interface VectorFile {
  readonly program: string;
  readonly sets: readonly {
    readonly kind: PlacementKind;
    readonly hash?: string;
    readonly servers: readonly [host: string, port: number, weight: number, name?: string][];
    readonly owners: string;
  }[];
}

const keys = readFileSync(join(TESTDATA, "keys.txt"), "utf8")
  .split("\n")
  .slice(0, -1)
  .map((key) => new TextEncoder().encode(key));

const sets = ["php-memcached", "nutcracker", "spymemcached", "php-memcache", "pymemcache"].flatMap((file) => {
  const { program, sets } = readTestdata<VectorFile>(`${file}.json`);
  return sets.map((set) => ({ ...set, program, count: set.servers.length, hash: set.hash ?? "usual" }));
});

test("there are vectors of every fleet, and 3,000 keys in each", () => {
  expect(keys).toHaveLength(3_000);
  expect(sets).toHaveLength(104);
  expect(new Set(sets.map(({ kind }) => kind)).size).toBe(8);
  for (const { owners } of sets) expect(owners).toHaveLength(keys.length);
});

test.each(sets)("$program: $kind, $hash hash, $count servers: every key is where it put it", (set) => {
  const servers = set.servers.map(([host, port, weight, name]) => ({
    host,
    port,
    weight,
    name: name ?? `${host}:${port}`,
  }));
  const selector = selectorFor({ kind: set.kind, servers, ...(set.hash === "usual" ? {} : { hash: set.hash }) });
  const owners = keys.map((key) => selector.select(key, 0, key.length).toString(36)).join("");
  expect(owners).toBe(set.owners);
});

test("libmemcached's own hashes of the first 400 keys and of all bytes agree with ours", () => {
  const { values } = readTestdata<{ values: Record<string, number[]> }>("libmemcached-hashes.json");
  const hashed = keys.slice(0, 400);
  for (let first = 0; first < 256; first += 15)
    hashed.push(Uint8Array.from({ length: 256 - first }, (_, i) => first + i));
  const names = Object.keys(LIBMEMCACHED_HASHES);
  expect(names).toHaveLength(10);
  for (const [name, hash] of Object.entries(LIBMEMCACHED_HASHES)) {
    expect(
      hashed.map((key) => hash(key, 0, key.length)),
      name,
    ).toEqual(values[name]);
  }
});

function readTestdata<T>(file: string): T {
  return JSON.parse(readFileSync(join(TESTDATA, file), "utf8"));
}
