import fc from "fast-check";
import { expect, test } from "vitest";
import {
  escapedStart,
  nameOfObjectKey,
  numberOfPartKey,
  objectKey,
  partKey,
  partsOfUploadKey,
  partsOfVersionKey,
  successor,
  uploadKey,
  versionKey,
  versionPrefix,
} from "./keys.ts";

const names = fc.uint8Array({ maxLength: 6, max: 3 });
const sequences = fc.integer({ min: 1, max: Number.MAX_SAFE_INTEGER });

test("names sort as they do alone, and their versions newest first between them", () => {
  fc.assert(
    fc.property(names, names, sequences, sequences, (a, b, one, other) => {
      const order = Buffer.compare(a, b);
      expect(Buffer.compare(objectKey(1, 2, a), objectKey(1, 2, b))).toBe(order);
      const wanted = order === 0 ? Math.sign(other - one) : order;
      expect(Buffer.compare(versionKey(2, a, one), versionKey(2, b, other))).toBe(wanted);
    }),
  );
});

test("a key gives back the name and number that it was made of", () => {
  fc.assert(
    fc.property(names, sequences, fc.integer({ min: 1, max: 10_000 }), (name, sequence, part) => {
      expect(Buffer.from(nameOfObjectKey(objectKey(1, 2, name)))).toEqual(Buffer.from(name));
      const version = partsOfVersionKey(versionKey(7, name, sequence));
      expect({ ...version, name: Buffer.from(version.name) }).toEqual({ name: Buffer.from(name), sequence });
      const upload = partsOfUploadKey(uploadKey(7, name, sequence));
      expect({ ...upload, name: Buffer.from(upload.name) }).toEqual({ name: Buffer.from(name), upload: sequence });
      expect(numberOfPartKey(partKey(sequence, part))).toBe(part);
    }),
  );
});

test("a name's versions begin with its prefix, and no other name's do", () => {
  fc.assert(
    fc.property(names, names, sequences, (a, b, sequence) => {
      const prefix = versionPrefix(2, a);
      const isOfA = versionKey(2, b, sequence).subarray(0, prefix.length).equals(prefix);
      expect(isOfA).toBe(Buffer.compare(a, b) === 0);
    }),
  );
});

test("the versions of all names with a beginning lie between its start and the successor of that", () => {
  fc.assert(
    fc.property(names, names, sequences, (start, name, sequence) => {
      const from = escapedStart("v", 2, start);
      const row = versionKey(2, name, sequence);
      const isWithin = Buffer.compare(row, from) >= 0 && Buffer.compare(row, successor(from)) < 0;
      expect(isWithin).toBe(Buffer.from(name).subarray(0, start.length).equals(Buffer.from(start)));
    }),
  );
});

test("the successor of bytes that end in ff cuts them", () => {
  expect(successor(Uint8Array.of(1, 0xff, 0xff))).toEqual(Buffer.of(2));
});
