import { createRandom } from "@kagami/clock";
import { expect, test } from "vitest";
import { SMALL_BODY_BYTES } from "../storage/batch-memory.ts";
import { PACK_BYTES, Packer } from "./packer.ts";

const random = createRandom(1);

test("small pieces leave as one, and are copies", () => {
  const packer = new Packer();
  const [one, two] = [random.bytes(100), random.bytes(PACK_BYTES - 100)];
  packer.add(one);
  expect(packer.isFull).toBe(false);
  packer.add(two);
  expect(packer.isFull).toBe(true);
  const expected = Buffer.concat([one, two]);
  const { pieces } = packer.take();
  one.fill(0);
  two.fill(0);
  expect(pieces).toHaveLength(1);
  expect(Buffer.concat(pieces).equals(expected)).toBe(true);
  expect(packer.isFull).toBe(false);
});

test("a large body is passed on as it is, small pieces beside it are copies", () => {
  const packer = new Packer();
  const [head, body] = [random.bytes(100), random.bytes(3 * SMALL_BODY_BYTES)];
  packer.add(head);
  packer.add(body);
  const { pieces } = packer.take();
  expect(pieces[1]).toBe(body);
  expect(pieces[0]).not.toBe(head);
  expect(pieces[0]).toEqual(Buffer.from(head));
});

test("memory is used again when its bytes have left, and not before", () => {
  const packer = new Packer();
  const takeOne = () => {
    packer.add(random.bytes(10));
    return packer.take();
  };
  const [first, second] = [takeOne(), takeOne()];
  const memoryOf = ({ pieces }: { readonly pieces: readonly Uint8Array[] }) => pieces[0]?.buffer;
  expect(memoryOf(second)).not.toBe(memoryOf(first));
  first.onSent();
  expect(memoryOf(takeOne())).toBe(memoryOf(first));
});
