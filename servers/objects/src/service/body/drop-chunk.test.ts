import { expect, test } from "vitest";
import { dropChunk } from "./drop-chunk.ts";

test.each([
  { chunk: () => new Uint8Array(65_536), left: 0, why: "nobody else can have a view on memory that it fills" },
  { chunk: () => new Uint8Array(65_536 + 1).subarray(1), left: 65_535 + 1, why: "others may use the rest, in front" },
  { chunk: () => new Uint8Array(65_536 + 1).subarray(0, 65_536), left: 65_536, why: "or behind" },
  { chunk: () => Buffer.from("small"), left: 5, why: "small ones are slices of a pool" },
  { chunk: () => new Uint8Array(new SharedArrayBuffer(65_536)), left: 65_536, why: "other threads may use it" },
])("a used chunk leaves $left bytes: $why", ({ chunk, left }) => {
  const bytes = chunk();
  dropChunk(bytes);
  expect(bytes.length).toBe(left);
});
