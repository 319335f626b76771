// How fast files are read and written, and the checksum alone: a million strings of 16 + 16 bytes, from and to memory.
import { createRandom } from "@kagami/clock";
import { HllEditor } from "../src/engine/hyperloglog.ts";
import { Crc64, RdbReader, RdbWriter } from "../src/protocol/rdb/index.ts";

const isSmoke = process.argv.includes("--smoke");
const KEYS = isSmoke ? 2_000 : 1_000_000;
const ROUNDS = isSmoke ? 1 : 3;
const CHUNK_BYTES = 1 << 20;
const HEADER = { redisVersion: "7.0.15", createdAtSeconds: 1_700_000_000, usedMemoryBytes: 0 };

function measure(name: string, run: () => { bytes: number; items: number; check: string | number }): void {
  for (let round = 0; round < ROUNDS; round++) {
    const startMs = performance.now();
    const { bytes, items, check } = run();
    const seconds = (performance.now() - startMs) / 1_000;
    const rates = `${(bytes / 1e6 / seconds).toFixed(0)} MB/s, ${(items / 1e6 / seconds).toFixed(2)} M/s`;
    console.log(`${name.padEnd(24)} ${rates}, ${seconds.toFixed(2)} s, check ${check}`);
  }
}

function keyOf(random: ReturnType<typeof createRandom>, key: Uint8Array): Uint8Array {
  for (let i = 0; i < key.length; i += 4) {
    const word = random.nextU32();
    for (let j = 0; j < 4; j++) key[i + j] = 97 + ((word >>> (8 * j)) & 15);
  }
  return key;
}

function write(): Uint8Array[] {
  const random = createRandom(1);
  const key = new Uint8Array(16);
  const value = new Uint8Array(16).fill(0x76);
  const writer = new RdbWriter();
  const chunks: Uint8Array[] = [];
  writer.writeHeader(HEADER);
  writer.selectDatabase(0);
  writer.writeResize(KEYS, 0);
  for (let i = 0; i < KEYS; i++) {
    writer.writeEntry(keyOf(random, key), { kind: "string", bytes: value });
    if (writer.sizeBytes >= CHUNK_BYTES) chunks.push(writer.take().slice());
  }
  chunks.push(writer.writeEnd());
  return chunks;
}

let chunks: Uint8Array[] = [];
const sizeOf = (parts: readonly Uint8Array[]): number => parts.reduce((sum, part) => sum + part.length, 0);

measure("write", () => {
  chunks = write();
  return { bytes: sizeOf(chunks), items: KEYS, check: chunks.length };
});

measure("read", () => {
  const reader = new RdbReader();
  let items = 0;
  let check = 0;
  for (const [i, chunk] of chunks.entries()) {
    reader.push(chunk);
    if (i === chunks.length - 1) reader.end();
    for (let item = reader.next(); item !== undefined; item = reader.next()) {
      if (item.kind !== "entry" || item.value.kind !== "string") continue;
      items++;
      check = (check + (item.key[0] ?? 0) + item.value.bytes.length) | 0;
    }
  }
  return { bytes: sizeOf(chunks), items, check };
});

measure("checksum", () => {
  const crc = new Crc64();
  const block = new Uint8Array(isSmoke ? 1 << 16 : 1 << 28).fill(7);
  crc.update(block, 0, block.length);
  return { bytes: block.length, items: 1, check: crc.low };
});

measure("add to a HyperLogLog", () => {
  const editor = new HllEditor();
  const random = createRandom(2);
  const element = new Uint8Array(16);
  editor.open(undefined);
  let changed = 0;
  for (let i = 0; i < KEYS; i++) changed += editor.add(keyOf(random, element), 0, element.length);
  return { bytes: 16 * KEYS, items: KEYS, check: changed };
});
