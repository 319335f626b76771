import fc from "fast-check";
import { expect, test } from "vitest";
import { codeOf, NOW, signer } from "../../../test/support/signed-requests.ts";
import { signingHashes } from "../../service/signing-hashes.ts";
import { ChunkSignatures } from "../sigv4/index.ts";
import { ChunkDecoder, type ChunkDecoderOptions, chunkedLength, encodeChunked, parseTrailerNames } from "./index.ts";

const { chunkSigning } = signer.signHeaders(
  { method: "PUT", path: "/media/a", query: "", rawHeaders: ["host", "h"] },
  "STREAMING-AWS4-HMAC-SHA256-PAYLOAD",
  NOW,
);
const SIGNING = { hashes: signingHashes, chunk: chunkSigning };
const TRAILER = "x-amz-checksum-crc32";
const UNSIGNED = { signing: undefined, hasTrailer: true, declaredTrailers: [TRAILER] };

type Mode = Omit<ChunkDecoderOptions, "decodedLength">;
const MODES: Mode[] = [
  { signing: SIGNING, hasTrailer: false, declaredTrailers: [] },
  { signing: SIGNING, hasTrailer: true, declaredTrailers: [TRAILER] },
  UNSIGNED,
  { signing: undefined, hasTrailer: true, declaredTrailers: [] },
];

function encode(body: Uint8Array, mode: Mode, chunkBytes: number): Buffer {
  const trailers = mode.declaredTrailers.map((name) => [name, "AAAAAA=="] as const);
  const pieces = encodeChunked(body, {
    chunkBytes,
    signatures: mode.signing && new ChunkSignatures(signingHashes, mode.signing.chunk),
    sha256Hex: (bytes) => signingHashes.sha256Hex(Buffer.from(bytes).toString("latin1")),
    trailers,
  });
  const wire = Buffer.concat(pieces);
  expect(wire.length).toBe(chunkedLength(body.length, chunkBytes, mode.signing !== undefined, trailers));
  return wire;
}

function decode(wire: Uint8Array, options: ChunkDecoderOptions, cuts: readonly number[] = []) {
  const decoder = new ChunkDecoder(options);
  const pieces: Uint8Array[] = [];
  let start = 0;
  for (let turn = 0; start < wire.length; turn++) {
    const size = cuts.length === 0 ? wire.length : cuts[turn % cuts.length]!;
    pieces.push(...decoder.push(wire.subarray(start, start + size)));
    start += size;
  }
  return { trailers: decoder.finish(), body: Buffer.concat(pieces), pieces };
}

test("a body comes back as it was sent, in every mode, however the network cuts it", () => {
  fc.assert(
    fc.property(
      fc.constantFrom(...MODES),
      fc.uint8Array({ maxLength: 300 }),
      fc.integer({ min: 1, max: 120 }),
      fc.array(fc.integer({ min: 1, max: 90 }), { minLength: 1, maxLength: 8 }),
      (mode, body, chunkBytes, cuts) => {
        const wire = encode(body, mode, chunkBytes);
        const decoded = decode(wire, { ...mode, decodedLength: body.length }, cuts);
        expect(decoded.body.equals(body)).toBe(true);
        expect([...decoded.trailers.keys()]).toEqual(mode.declaredTrailers);
      },
    ),
  );
});

test("the bytes that come out are views of those that went in", () => {
  const wire = encode(new Uint8Array(1_000), MODES[0]!, 400);
  const { pieces } = decode(wire, { ...MODES[0]!, decodedLength: 1_000 });
  expect(pieces.map((piece) => piece.length)).toEqual([400, 400, 200]);
  expect(pieces.every((piece) => piece.buffer === wire.buffer)).toBe(true);
});

test("no signed body with any byte changed, lost or added is taken for the right one", () => {
  const body = new Uint8Array(100).fill(7);
  fc.assert(
    fc.property(
      fc.constantFrom(...MODES.slice(0, 2)),
      fc.nat(),
      fc.integer({ min: 1, max: 255 }),
      fc.nat(2),
      (mode, at, flip, kind) => {
        const wire = encode(body, mode, 40);
        const offset = at % wire.length;
        let changed = Buffer.from(wire);
        if (kind === 0) changed[offset]! ^= flip;
        else if (kind === 1) changed = Buffer.concat([wire.subarray(0, offset), wire.subarray(offset + 1)]);
        else changed = Buffer.concat([wire.subarray(0, offset), Buffer.from([flip]), wire.subarray(offset)]);
        let decoded: Buffer | undefined;
        const code = codeOf(() => {
          decoded = decode(changed, { ...mode, decodedLength: body.length }).body;
        });
        // White space and the case of digits may differ; the bytes of the object may not.
        if (code === "accepted") expect(decoded?.equals(body)).toBe(true);
      },
    ),
    { numRuns: 600 },
  );
});

const text = (wire: string) => Buffer.from(wire, "latin1");

test.each([
  { wire: "3\r\nabc\r\n0\r\nx-amz-checksum-crc32:A\r\n\r\n", why: "the usual form" },
  {
    wire: "003\r\nabc\r\n0\r\nX-Amz-Checksum-CRC32: A \r\n\r\n",
    why: "zeros before the size, a name in capitals, spaces",
  },
  { wire: "3\r\nabc\r\n0\r\nx-amz-checksum-crc32:A\n\r\n", why: "a trailer that ends with LF, as the reference shows" },
  { wire: "1\r\na\r\n2\r\nbc\r\n0\r\nx-amz-checksum-crc32:A\r\n\r\n\r\n", why: "one more line end" },
])("an unsigned body is read: $why", ({ wire }) => {
  const { body, trailers } = decode(text(wire), { ...UNSIGNED, decodedLength: 3 });
  expect([body.toString(), [...trailers]]).toEqual(["abc", [[TRAILER, "A"]]]);
});

test.each([
  { wire: "", code: "IncompleteBody", why: "nothing" },
  { wire: "3\r\nabc\r\n", code: "IncompleteBody", why: "the last chunk is missing" },
  { wire: "3\r\nab", code: "IncompleteBody", why: "cut inside a chunk" },
  { wire: "3\r\nabc\r\n0\r\n", code: "IncompleteBody", why: "the trailer is missing" },
  { wire: "3\r\nabc\r\n0\r\nx-amz-checksum-crc32:A\r\n", code: "IncompleteBody", why: "the trailer has no end" },
  { wire: "2\r\nab\r\n0\r\n\r\n", code: "IncompleteBody", why: "shorter than the decoded length" },
  { wire: "4\r\nabcd\r\n0\r\n\r\n", code: "IncompleteBody", why: "longer than the decoded length" },
  { wire: "ffffffffffffffff\r\n", code: "InvalidRequest", why: "a size beyond every object" },
  { wire: "00000000000000003\r\n", code: "InvalidRequest", why: "a size of 17 digits" },
  { wire: `${"0".repeat(200)}`, code: "InvalidRequest", why: "a header without end" },
  { wire: "3\nabc", code: "InvalidRequest", why: "a header that ends with LF only" },
  { wire: "\r\n", code: "InvalidRequest", why: "no size" },
  { wire: "-3\r\nabc", code: "InvalidRequest", why: "a sign" },
  { wire: "3;chunk-signature=a\r\nabc", code: "InvalidRequest", why: "a signature where none is" },
  { wire: "3\r\nabcd\r\n", code: "InvalidRequest", why: "more bytes than the header says" },
  { wire: "3\r\nabc\n\r0", code: "InvalidRequest", why: "another line end" },
  {
    wire: "3\r\nabc\r\n0\r\nx-amz-checksum-crc32:A\r\n\r\n3\r\n",
    code: "InvalidRequest",
    why: "a chunk behind the last",
  },
  { wire: "3\r\nabc\r\n0\r\nx-amz-checksum-crc32:A\r\n\r\nmore", code: "InvalidRequest", why: "bytes behind the last" },
  { wire: "3\r\nabc\r\n0\r\n\r\n", code: "MalformedTrailerError", why: "a declared trailer is missing" },
  {
    wire: "3\r\nabc\r\n0\r\nx-amz-meta-a:A\r\n",
    code: "MalformedTrailerError",
    why: "a trailer that was not declared",
  },
  {
    wire: "3\r\nabc\r\n0\r\nx-amz-checksum-crc32:A\r\nx-amz-checksum-crc32:A\r\n",
    code: "MalformedTrailerError",
    why: "one twice",
  },
  { wire: "3\r\nabc\r\n0\r\nx-amz-checksum-crc32\r\n", code: "MalformedTrailerError", why: "no colon" },
  {
    wire: `3\r\nabc\r\n0\r\nx-amz-checksum-crc32:${"A".repeat(5000)}\r\n`,
    code: "InvalidRequest",
    why: "a trailer that is too long",
  },
  {
    wire: `3\r\nabc\r\n0\r\nx-amz-checksum-crc32:A\r\n\r\n${"\r\n".repeat(3000)}`,
    code: "MalformedTrailerError",
    why: "line ends without end",
  },
])("an unsigned body is refused with $code: $why", ({ wire, code }) => {
  for (const cuts of [[], [1]]) {
    expect(codeOf(() => decode(text(wire), { ...UNSIGNED, decodedLength: 3 }, cuts))).toContain(code);
  }
});

test.each([
  {
    what: "another chunk's signature",
    edit: (wire: string) => wire.replace(/(signature=)(\w+)([\s\S]*?signature=)(\w+)/, "$1$4$3$2"),
  },
  { what: "no signature", edit: (wire: string) => wire.replace(/;chunk-signature=\w+/, "") },
  { what: "the last chunk unsigned", edit: (wire: string) => wire.replace(/0;chunk-signature=\w+/, "0") },
  { what: "the trailer unsigned", edit: (wire: string) => wire.replace(/x-amz-trailer-signature:\w+\r\n/, "") },
  { what: "the trailer changed", edit: (wire: string) => wire.replace("AAAAAA==", "BBBBBB==") },
  {
    what: "a trailer behind the signature",
    edit: (wire: string) => wire.replace(/\r\n\r\n$/, `\r\n${TRAILER}:B\r\n\r\n`),
  },
])("a signed body with $what is refused", ({ edit }) => {
  const mode = MODES[1]!;
  const wire = encode(new Uint8Array(90).fill(1), mode, 40).toString("latin1");
  expect(codeOf(() => decode(text(edit(wire)), { ...mode, decodedLength: 90 }))).not.toBe("accepted");
  expect(codeOf(() => decode(text(wire), { ...mode, decodedLength: 90 }))).toBe("accepted");
});

test.each([
  { value: undefined, names: [] },
  { value: "x-amz-checksum-CRC32", names: ["x-amz-checksum-crc32"] },
  { value: "a, b", names: ["a", "b"] },
])("x-amz-trailer $value declares $names", ({ value, names }) => {
  expect(parseTrailerNames(value)).toEqual(names);
});

test.each(["", "a,", "a,A", "a,".repeat(21)])("x-amz-trailer %j is refused", (value) => {
  expect(codeOf(() => parseTrailerNames(value))).toContain("MalformedTrailerError");
});

test("a declared trailer needs a body that has one", () => {
  expect(codeOf(() => new ChunkDecoder({ ...MODES[0]!, declaredTrailers: ["a"], decodedLength: 0 }))).toContain(
    "MalformedTrailerError",
  );
});

test("any bytes are a body or refused with an error of S3", () => {
  const piece = fc.oneof(
    fc.constantFrom("0", "3", "\r\n", "\n", "abc", ";chunk-signature=", ":", TRAILER, "a".repeat(64)),
    fc.string({ unit: "binary-ascii", maxLength: 4 }),
  );
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 15 }), fc.constantFrom(...MODES), (pieces, mode) => {
      expect(typeof codeOf(() => decode(text(pieces.join("")), { ...mode, decodedLength: 3 }, [2]))).toBe("string");
    }),
    { numRuns: 1_000 },
  );
});
