import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { createRandom } from "@kagami/clock";
import { withTempDir } from "@kagami/testkit";
import { expect, test } from "vitest";
import { READ_BYTES } from "../store/object-store.ts";
import { openStore } from "./open-store.ts";

const BODY = createRandom(1).bytes(5 * READ_BYTES + 1_000);
/** One byte of it is damaged: in the third chunk. */
const DAMAGED_AT = 2 * READ_BYTES + 7;

/** A body in a volume and one in a file of its own, each with a reader of its bytes `[start, end)`, piece by piece. */
async function withBodies(
  directory: string,
  use: (read: (key: string, start: number, end: number, bufferBytes?: number) => Promise<Buffer[]>) => Promise<void>,
): Promise<void> {
  const store = await openStore({ directory, blobFromBytes: BODY.length + 1, reserveBytes: 0 });
  try {
    await use(async (key, start, end, bufferBytes) => {
      const opened = await store.open("b", key);
      const buffer = bufferBytes === undefined ? undefined : Buffer.alloc(bufferBytes);
      const pieces: Buffer[] = [];
      try {
        for await (const piece of opened?.read(start, end, buffer) ?? []) pieces.push(Buffer.from(piece));
      } catch (error) {
        expect(error).toMatchObject({ code: "CORRUPT" });
        pieces.push(Buffer.from("damaged"));
      } finally {
        opened?.close();
      }
      return pieces;
    });
  } finally {
    await store.close();
  }
}

async function fill(directory: string): Promise<void> {
  const store = await openStore({ directory, blobFromBytes: BODY.length + 1, reserveBytes: 0 });
  await store.createBucket({ name: "b", owner: "o", nowMs: 1 });
  for (const [key, body] of [
    ["volume", BODY],
    ["blob", Buffer.concat([BODY, Buffer.alloc(1)])],
  ] as const) {
    const request = { bucket: "b", key, metadata: { user: {}, tags: {} }, retention: undefined, conditions: {} };
    const writer = store.put(request, body.length);
    await writer.write(body);
    await writer.commit({ etag: "0".repeat(32), checksum: undefined });
  }
  await store.close();
}

test("any range is the same whatever it is read into, in pieces as large as that", async () => {
  await withTempDir(async (directory) => {
    await fill(directory);
    await withBodies(directory, async (read) => {
      for (const key of ["volume", "blob"]) {
        for (const bufferBytes of [undefined, READ_BYTES, 4 * READ_BYTES, 5 * READ_BYTES - 1]) {
          for (const start of [0, 1, READ_BYTES - 1, READ_BYTES, 3 * READ_BYTES + 5]) {
            for (const end of [start + 1, READ_BYTES * 4, READ_BYTES * 4 + 1, BODY.length]) {
              const pieces = await read(key, start, end, bufferBytes);
              expect(Buffer.concat(pieces).equals(BODY.subarray(start, end)), `${key} ${start} to ${end}`).toBe(true);
            }
          }
        }
        expect((await read(key, 0, BODY.length, 4 * READ_BYTES)).length).toBe(2);
        expect((await read(key, 0, BODY.length)).length).toBe(6);
      }
    });
  });
});

test("nothing of a piece is given if any of its chunks is damaged", async () => {
  await withTempDir(async (directory) => {
    await fill(directory);
    const mark = BODY.subarray(DAMAGED_AT, DAMAGED_AT + 32);
    for (const kind of ["volumes", "blobs"]) {
      for (const name of readdirSync(join(directory, kind))) {
        const path = join(directory, kind, name);
        const bytes = readFileSync(path);
        const at = bytes.indexOf(mark);
        if (at < 0) continue;
        bytes[at] = (bytes[at] ?? 0) ^ 1;
        writeFileSync(path, bytes);
      }
    }
    await withBodies(directory, async (read) => {
      for (const key of ["volume", "blob"]) {
        const large = await read(key, 0, BODY.length, 4 * READ_BYTES);
        expect(large.map(String)).toEqual(["damaged"]);
        const small = await read(key, 0, BODY.length, READ_BYTES);
        expect(small.map((piece) => piece.length)).toEqual([READ_BYTES, READ_BYTES, "damaged".length]);
        // What lies before and behind the damaged chunk can be read.
        expect(Buffer.concat(await read(key, 0, 2 * READ_BYTES, 4 * READ_BYTES)).length).toBe(2 * READ_BYTES);
        const rest = await read(key, 3 * READ_BYTES, BODY.length, 4 * READ_BYTES);
        expect(Buffer.concat(rest).equals(BODY.subarray(3 * READ_BYTES))).toBe(true);
      }
    });
  });
});
