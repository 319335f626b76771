import { createHmac } from "node:crypto";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { ClientHandshake, HANDSHAKE_PACKET_BYTES, type HandshakeStep, ServerHandshake } from "./handshake.ts";
import { concat, plainHello, seededBytes } from "./test-peer.ts";

interface Side {
  receive(bytes: Uint8Array, offset: number, nowMs: number): HandshakeStep;
}

/** Gives `bytes` in pieces; returns all output, and what was left over. */
function feed(side: Side, bytes: Uint8Array, sizes: Iterator<number>): { output: Uint8Array; restBytes: number } {
  const output: Uint8Array[] = [];
  let offset = 0;
  while (offset < bytes.length) {
    const piece = bytes.subarray(offset, offset + Number(sizes.next().value));
    const step = side.receive(piece, 0, 77);
    output.push(...step.output);
    offset += step.usedBytes;
    if (step.isDone) return { output: concat(output), restBytes: bytes.length - offset };
  }
  return { output: concat(output), restBytes: 0 };
}

const whole = (): Iterator<number> => [1e9, 1e9, 1e9][Symbol.iterator]();

describe("both sides finish", () => {
  const schemes = fc.constantFrom<0 | 1 | undefined>(undefined, 0, 1);
  const sizes = () => fc.infiniteStream(fc.integer({ min: 1, max: 2000 }));
  test("however the network cuts the bytes, and leave what follows alone", () => {
    fc.assert(
      fc.property(schemes, fc.nat(), sizes(), sizes(), (scheme, seed, up, down) => {
        const client = new ClientHandshake(seededBytes(seed), scheme);
        const server = new ServerHandshake(seededBytes(seed + 1));
        const first = feed(server, client.start(), up);
        expect(first.output.length).toBe(1 + 2 * HANDSHAKE_PACKET_BYTES);
        const second = feed(client, concat([first.output, Uint8Array.of(9, 9)]), down);
        expect(second).toMatchObject({ restBytes: 2 });
        expect(second.output.length).toBe(HANDSHAKE_PACKET_BYTES);
        expect(feed(server, concat([second.output, Uint8Array.of(9)]), up)).toMatchObject({ restBytes: 1 });
      }),
      { numRuns: 40 },
    );
  });
});

describe("a plain client", () => {
  test("gets its own packet back, with the time it was read", () => {
    const hello = plainHello();
    hello.set(seededBytes(5)(1528), 9);
    const { output } = feed(new ServerHandshake(seededBytes(1)), hello.subarray(0, 1537), whole());
    const s2 = output.subarray(1537);
    expect(s2.subarray(0, 8)).toEqual(Uint8Array.of(0, 0, 0, 0, 0, 0, 0, 77));
    expect(s2.subarray(8)).toEqual(hello.subarray(9, 1537));
  });

  test("gets no answer before its first packet is whole", () => {
    const server = new ServerHandshake(seededBytes(1));
    expect(feed(server, plainHello().subarray(0, 1536), whole()).output.length).toBe(0);
    expect(server.receive(Uint8Array.of(0), 0, 0).output.length).toBe(3);
  });

  test("is not asked for a correct answer: zeros will do", () => {
    const server = new ServerHandshake(seededBytes(1));
    expect(server.receive(plainHello(), 0, 0)).toMatchObject({ isDone: true, usedBytes: 3073 });
  });

  test("that writes a version but no digest gets the plain handshake", () => {
    const hello = plainHello();
    hello.set([9, 0, 124, 2], 5);
    const { output } = feed(new ServerHandshake(seededBytes(1)), hello.subarray(0, 1537), whole());
    expect(output.subarray(5, 9)).toEqual(Uint8Array.of(0, 0, 0, 0));
  });
});

test.each([0, 1] as const)("scheme %i: the server's packets carry the digests that Adobe's keys give", (scheme) => {
  // Written out with Node's own HMAC, so that a mistake in one place cannot hide in both.
  const tail = "f0eec24a8068bee82e00d0d1029e7e576eec5d2d29806fab93b8e636cfeb31ae";
  const key = Buffer.concat([Buffer.from("Genuine Adobe Flash Media Server 001"), Buffer.from(tail, "hex")]);
  const client = new ClientHandshake(seededBytes(3), scheme);
  const c1 = client.start().subarray(1);
  const { output } = feed(new ServerHandshake(seededBytes(4)), client.start(), whole());
  const s1 = output.subarray(1, 1537);
  const s2 = output.subarray(1537);
  const base = scheme === 0 ? 772 : 8;
  const digestStart = (packet: Uint8Array) => {
    const sum = packet.subarray(base, base + 4).reduce((total, byte) => total + byte, 0);
    return base + 4 + (sum % 728);
  };
  const at = digestStart(s1);
  const rest = Buffer.concat([s1.subarray(0, at), s1.subarray(at + 32)]);
  const expected = createHmac("sha256", key.subarray(0, 36)).update(rest).digest();
  expect(Buffer.from(s1.subarray(at, at + 32)).equals(expected)).toBe(true);

  const clientAt = digestStart(c1);
  const answerKey = createHmac("sha256", key)
    .update(c1.subarray(clientAt, clientAt + 32))
    .digest();
  const signature = createHmac("sha256", answerKey).update(s2.subarray(0, 1504)).digest();
  expect(Buffer.from(s2.subarray(1504)).equals(signature)).toBe(true);
});

describe("versions", () => {
  test.each([
    { version: 6, code: "RTMPE_UNSUPPORTED", why: "RTMPE" },
    { version: 8, code: "RTMPE_UNSUPPORTED", why: "RTMPE with XTEA" },
    { version: 0x16, code: "RTMP_VERSION_UNSUPPORTED", why: "a TLS client hello" },
    { version: 0x47, code: "RTMP_VERSION_UNSUPPORTED", why: "the G of an HTTP GET" },
    { version: 0, code: "RTMP_VERSION_UNSUPPORTED", why: "older than the specification" },
  ])("$version is refused at its first byte: $why", ({ version, code }) => {
    for (const side of [new ServerHandshake(seededBytes(1)), new ClientHandshake(seededBytes(1))]) {
      expect(side.receive(Uint8Array.of(version), 0, 0).failure?.code).toBe(code);
    }
  });
});
