import { createHash } from "node:crypto";
import { afterAll, expect, test } from "vitest";
import { hashWhole } from "../../src/service/hashing/body-hashes.ts";
import { HashThreads } from "../../src/service/hashing/hash-threads.ts";
import type { ChecksumAlgorithm } from "../../src/store/object-store.ts";

const threads = new HashThreads(1);
afterAll(() => threads.close());

const CHECK = Buffer.from("123456789");

test.each<{ checksum: ChecksumAlgorithm; hex: string; why: string }>([
  { checksum: "CRC32", hex: "cbf43926", why: "check value of CRC-32/ISO-HDLC" },
  { checksum: "CRC32C", hex: "e3069283", why: "check value of CRC-32/ISCSI" },
  { checksum: "CRC64NVME", hex: "ae8b14860a799888", why: "check value of CRC-64/NVME" },
  { checksum: "SHA1", hex: "f7c3bc1d808e04732adf679965ccc34ca7ae3441", why: "node's own" },
  {
    checksum: "SHA256",
    hex: "15e2b0d3c33891ebb0f1ef609ec419420c20e320ce94c65fbc8c3312448eb225",
    why: "node's own",
  },
])("$checksum of 123456789 is $hex: $why", async ({ checksum, hex }) => {
  const whole = await hashWhole(CHECK, { sha256: false, checksum });
  expect(Buffer.from(whole.checksum ?? "", "base64").toString("hex")).toBe(hex);
});

test.each<ChecksumAlgorithm | undefined>([undefined, "CRC32", "CRC32C", "CRC64NVME", "SHA1", "SHA256"])(
  "a thread says of a body in pieces what the whole says at once, checksum %s",
  async (checksum) => {
    const body = Buffer.alloc(1_500_000);
    for (let i = 0; i < body.length; i++) body[i] = (i * 31) >> 3;
    const hasher = await threads.open({ sha256: true, checksum });
    for (let at = 0; at < body.length; at += 70_001) await hasher.update(body.subarray(at, at + 70_001));
    expect(await hasher.digest()).toEqual(await hashWhole(body, { sha256: true, checksum }));
  },
);

test("a piece larger than the shared memory is taken whole", async () => {
  const body = Buffer.alloc(3_000_000, 7);
  const hasher = await threads.open({ sha256: false, checksum: undefined });
  await hasher.update(body);
  expect((await hasher.digest()).md5Hex).toBe(createHash("md5").update(body).digest("hex"));
});

test("a body that was given up does not disturb the next", async () => {
  const dropped = await threads.open({ sha256: false, checksum: "CRC64NVME" });
  await dropped.update(Buffer.alloc(2_000_000));
  dropped.drop();
  const hasher = await threads.open({ sha256: false, checksum: undefined });
  expect((await hasher.digest()).md5Hex).toBe("d41d8cd98f00b204e9800998ecf8427e");
});
