import { createRandom, type Random, seeds } from "@kagami/clock";
import { expect, test } from "vitest";
import { CommandError } from "../../../src/engine/replies.ts";
import { ByteView } from "../../../src/engine/structures/byte-view.ts";
import { MAX_FIELD_BYTES } from "../../../src/engine/structures/field-table.ts";
import { HashValue } from "../../../src/engine/structures/hash-value.ts";
import { emptyStore, latin, textOf } from "./support.ts";

interface Entry {
  value: string;
  expiryMs: number;
}

const SHAPES: Readonly<Record<string, { readonly fieldCount: number; readonly value: (random: Random) => string }>> = {
  "small ones": { fieldCount: 20, value: (random) => "v".repeat(random.int(0, 64)) },
  "ones that grow": { fieldCount: 400, value: (random) => `v${random.int(0, 1_000_000)}` },
  "long values": { fieldCount: 30, value: (random) => "v".repeat(random.pick([0, 64, 65, 900, 4_096, 4_097, 9_000])) },
};

function contents(hash: HashValue): Map<string, Entry> {
  const view = new ByteView();
  const found = new Map<string, Entry>();
  hash.forEachField((field) => {
    hash.readField(field, view);
    const name = textOf(view.copy());
    hash.readValue(field, view);
    found.set(name, { value: textOf(view.copy()), expiryMs: hash.expiryOf(field) });
  });
  return found;
}

test.each(Object.keys(SHAPES).flatMap((shape) => seeds(4).map((seed) => ({ shape, seed }))))(
  "a hash of $shape is a map whose fields expire, and gives all its memory back, seed $seed",
  ({ shape, seed }) => {
    const { fieldCount, value } = SHAPES[shape] as (typeof SHAPES)[string];
    const random = createRandom(seed);
    const { store, outsideBytes } = emptyStore();
    store.advance(1_000_000);
    const hash = new HashValue(store);
    const model = new Map<string, Entry>();
    let stays = true;
    for (let step = 0; step < 3_000; step++) {
      const name = `field:${random.int(0, fieldCount)}`;
      const bytes = latin(name);
      const entry = model.get(name);
      const field = hash.find(bytes, 0, bytes.length);
      expect(field !== 0).toBe(entry !== undefined);
      const roll = random.float();
      if (roll < 0.5) {
        const text = value(random);
        const keeps = random.chance(0.3);
        expect(hash.set(bytes, 0, bytes.length, latin(text), 0, text.length, keeps)).toBe(entry === undefined);
        model.set(name, { value: text, expiryMs: keeps ? (entry?.expiryMs ?? -1) : -1 });
        if (text.length > 64 || model.size > 128) stays = false;
      } else if (field === 0 || entry === undefined) continue;
      else if (roll < 0.7) {
        hash.remove(field);
        model.delete(name);
      } else if (roll < 0.9) {
        entry.expiryMs = random.chance(0.2) ? -1 : store.nowMs + random.int(1, 1_000);
        hash.setExpiry(field, entry.expiryMs);
      } else {
        store.advance(store.nowMs + random.int(0, 20));
        for (const [due, { expiryMs }] of model) if (expiryMs >= 0 && expiryMs <= store.nowMs) model.delete(due);
        expect(contents(hash)).toEqual(model);
        expect(hash.isAllDue).toBe(model.size === 0 && hash.size > 0);
        hash.removeDueFields(Number.POSITIVE_INFINITY);
      }
      expect(hash.size).toBe(model.size);
      expect(hash.isPacked).toBe(stays);
      const times = [...model.values()].map(({ expiryMs }) => expiryMs).filter((timeMs) => timeMs >= 0);
      expect(hash.nextFieldExpiryMs).toBe(Math.min(Number.POSITIVE_INFINITY, ...times));
    }
    expect(contents(hash)).toEqual(model);
    const copy = hash.copy();
    while (!hash.release(20));
    expect(contents(copy)).toEqual(model);
    while (!copy.release(20));
    store.heap.trim();
    expect(store.heap.use.liveBytes).toBe(0);
    expect(store.heap.outsideBytes).toBe(outsideBytes);
    expect(store.objects.size).toBe(0);
  },
);

test.each([
  { fields: 128, size: 64, encoding: "listpack", why: "the limits themselves still fit" },
  { fields: 129, size: 64, encoding: "hashtable", why: "one field more does not" },
  { fields: 1, size: 65, encoding: "hashtable", why: "nor does one byte more" },
])("$fields fields with values of $size bytes are a $encoding: $why", ({ fields, size, encoding }) => {
  const { store } = emptyStore();
  const hash = new HashValue(store);
  const value = new Uint8Array(size).fill(98);
  for (let i = 0; i < fields; i++) hash.set(latin(`f${i}`), 0, `f${i}`.length, value, 0, size);
  expect(hash.encoding).toBe(encoding);
  hash.remove(hash.find(latin("f0"), 0, 2));
  expect(hash.encoding).toBe(encoding);
});

test("the longest field has its place, with a value of any length, and one byte more is refused", () => {
  const { store } = emptyStore();
  const hash = new HashValue(store);
  const name = new Uint8Array(MAX_FIELD_BYTES + 1).fill(97);
  for (const size of [0, 1, 4_096, 100_000]) {
    const value = new Uint8Array(size).fill(98);
    hash.set(name, 0, MAX_FIELD_BYTES, value, 0, size);
    const view = new ByteView();
    hash.readValue(hash.find(name, 0, MAX_FIELD_BYTES), view);
    expect(view.size).toBe(size);
  }
  expect(() => hash.set(name, 0, MAX_FIELD_BYTES + 1, name, 0, 1)).toThrow(CommandError);
  expect(hash.find(name, 0, MAX_FIELD_BYTES + 1)).toBe(0);
  expect(hash.size).toBe(1);
});
