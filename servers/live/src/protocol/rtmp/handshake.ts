import { utf8 } from "./byte-writer.ts";
import { hmacSha256 } from "./sha256.ts";

/** Bytes of C1, S1, C2 and S2 each. @see RTMP 1.0 §5.2.3 */
export const HANDSHAKE_PACKET_BYTES = 1536;

/** What each side sends before the first chunk: C0, C1 and C2, or S0, S1 and S2. */
export const HANDSHAKE_BYTES = 1 + 2 * HANDSHAKE_PACKET_BYTES;

const PLAIN_VERSION = 3;
const DIGEST_BYTES = 32;
const CLIENT_VERSION = 0x80000702;
const SERVER_VERSION = 0x0d0e0a0d;

/** Both keys end in the same 32 bytes; the digests of C1 and S1 use the phrase alone. */
const KEY_TAIL = Uint8Array.of(
  ...[0xf0, 0xee, 0xc2, 0x4a, 0x80, 0x68, 0xbe, 0xe8, 0x2e, 0x00, 0xd0, 0xd1, 0x02, 0x9e, 0x7e, 0x57],
  ...[0x6e, 0xec, 0x5d, 0x2d, 0x29, 0x80, 0x6f, 0xab, 0x93, 0xb8, 0xe6, 0x36, 0xcf, 0xeb, 0x31, 0xae],
);
const CLIENT_PHRASE = utf8("Genuine Adobe Flash Player 001");
const SERVER_PHRASE = utf8("Genuine Adobe Flash Media Server 001");
const CLIENT_KEY = Uint8Array.of(...CLIENT_PHRASE, ...KEY_TAIL);
const SERVER_KEY = Uint8Array.of(...SERVER_PHRASE, ...KEY_TAIL);

/** Where the digest of a C1 or S1 stands: in the second block (0) or in the first (1). */
export type DigestScheme = 0 | 1;

export type RandomBytes = (count: number) => Uint8Array;

export type HandshakeFailureCode = "RTMP_VERSION_UNSUPPORTED" | "RTMPE_UNSUPPORTED";

/** What came of some bytes of a handshake. */
export interface HandshakeStep {
  /** Bytes taken from the input; once `isDone`, the rest is the chunk stream. */
  readonly usedBytes: number;
  /** To be written now. */
  readonly output: readonly Uint8Array[];
  readonly isDone: boolean;
  readonly failure?: { readonly code: HandshakeFailureCode; readonly message: string };
}

const NOTHING: readonly Uint8Array[] = [];

/** Collects one packet out of whatever pieces arrive. */
class PacketInput {
  readonly packet = new Uint8Array(HANDSHAKE_PACKET_BYTES);
  #filledBytes = 0;

  get isFull(): boolean {
    return this.#filledBytes === HANDSHAKE_PACKET_BYTES;
  }

  take(bytes: Uint8Array, offset: number): number {
    const count = Math.min(HANDSHAKE_PACKET_BYTES - this.#filledBytes, bytes.length - offset);
    this.packet.set(bytes.subarray(offset, offset + count), this.#filledBytes);
    this.#filledBytes += count;
    return count;
  }

  clear(): void {
    this.#filledBytes = 0;
  }
}

/**
 * The server's half: C0 and C1 are answered with S0, S1 and S2, then C2 is taken. A C1 with a valid digest gets digests
 * back, any other gets the plain handshake. C2 is not checked: nothing depends on it, and some encoders send zeros.
 *
 * @see RTMP 1.0 §5.2; the digests are Adobe's, known from public implementations
 */
export class ServerHandshake {
  readonly #randomBytes: RandomBytes;
  readonly #input = new PacketInput();
  #state: "c0" | "c1" | "c2" | "done" = "c0";

  constructor(randomBytes: RandomBytes) {
    this.#randomBytes = randomBytes;
  }

  /** Takes bytes of the client from `offset` on. */
  receive(bytes: Uint8Array, offset: number, nowMs: number): HandshakeStep {
    let at = offset;
    let output = NOTHING;
    if (this.#state === "c0" && at < bytes.length) {
      const version = bytes[at++] as number;
      if (version !== PLAIN_VERSION) return refuse(version);
      this.#state = "c1";
    }
    if (this.#state === "c1") {
      at += this.#input.take(bytes, at);
      if (this.#input.isFull) {
        output = answerClient(this.#input.packet, this.#randomBytes, nowMs);
        this.#input.clear();
        this.#state = "c2";
      }
    }
    if (this.#state === "c2") {
      at += this.#input.take(bytes, at);
      if (this.#input.isFull) this.#state = "done";
    }
    return { usedBytes: at - offset, output, isDone: this.#state === "done" };
  }
}

/** The client's half. `scheme` asks for digests; without it the plain handshake is used. */
export class ClientHandshake {
  readonly #randomBytes: RandomBytes;
  readonly #input = new PacketInput();
  readonly #c1: Uint8Array;
  readonly #hasDigest: boolean;
  #state: "s0" | "s1" | "s2" | "done" = "s0";

  constructor(randomBytes: RandomBytes, scheme?: DigestScheme) {
    this.#randomBytes = randomBytes;
    this.#hasDigest = scheme !== undefined;
    const version = scheme === undefined ? 0 : CLIENT_VERSION;
    this.#c1 = makePacket(randomBytes, 0, version);
    if (scheme !== undefined) imprint(this.#c1, scheme, CLIENT_PHRASE);
  }

  /** C0 and C1, to be sent first. */
  start(): Uint8Array {
    const out = new Uint8Array(1 + HANDSHAKE_PACKET_BYTES);
    out[0] = PLAIN_VERSION;
    out.set(this.#c1, 1);
    return out;
  }

  /** Takes bytes of the server from `offset` on. */
  receive(bytes: Uint8Array, offset: number, nowMs: number): HandshakeStep {
    let at = offset;
    let output = NOTHING;
    if (this.#state === "s0" && at < bytes.length) {
      const version = bytes[at++] as number;
      if (version !== PLAIN_VERSION) return refuse(version);
      this.#state = "s1";
    }
    if (this.#state === "s1") {
      at += this.#input.take(bytes, at);
      if (this.#input.isFull) {
        output = [this.#answer(this.#input.packet, nowMs)];
        this.#input.clear();
        this.#state = "s2";
      }
    }
    if (this.#state === "s2") {
      at += this.#input.take(bytes, at);
      if (this.#input.isFull) this.#state = "done";
    }
    return { usedBytes: at - offset, output, isDone: this.#state === "done" };
  }

  #answer(s1: Uint8Array, nowMs: number): Uint8Array {
    const digest = this.#hasDigest ? findDigest(s1, SERVER_PHRASE)?.digest : undefined;
    return digest === undefined ? echo(s1, nowMs) : signedPacket(this.#randomBytes, CLIENT_KEY, digest);
  }
}

/** S0, S1 and S2 for a whole C1. */
function answerClient(c1: Uint8Array, randomBytes: RandomBytes, nowMs: number): readonly Uint8Array[] {
  const found = findDigest(c1, CLIENT_PHRASE);
  const s0 = Uint8Array.of(PLAIN_VERSION);
  if (found === undefined) return [s0, makePacket(randomBytes, 0, 0), echo(c1, nowMs)];
  const s1 = makePacket(randomBytes, 0, SERVER_VERSION);
  imprint(s1, found.scheme, SERVER_PHRASE);
  return [s0, s1, signedPacket(randomBytes, SERVER_KEY, found.digest)];
}

/** Time, version, random bytes. @see RTMP 1.0 §5.2.3 */
function makePacket(randomBytes: RandomBytes, timeMs: number, version: number): Uint8Array {
  const packet = new Uint8Array(HANDSHAKE_PACKET_BYTES);
  const view = new DataView(packet.buffer);
  view.setUint32(0, timeMs);
  view.setUint32(4, version);
  packet.set(randomBytes(HANDSHAKE_PACKET_BYTES - 8), 8);
  return packet;
}

/** The other side's packet with the time at which it was read. @see RTMP 1.0 §5.2.4 */
function echo(packet: Uint8Array, nowMs: number): Uint8Array {
  const copy = new Uint8Array(packet);
  new DataView(copy.buffer).setUint32(4, Math.floor(nowMs) >>> 0);
  return copy;
}

/** Random bytes with a digest at the end that proves that the other side's digest was read. */
function signedPacket(randomBytes: RandomBytes, key: Uint8Array, peerDigest: Uint8Array): Uint8Array {
  const packet = new Uint8Array(HANDSHAKE_PACKET_BYTES);
  const bodyBytes = HANDSHAKE_PACKET_BYTES - DIGEST_BYTES;
  packet.set(randomBytes(bodyBytes));
  packet.set(hmacSha256(hmacSha256(key, peerDigest), packet.subarray(0, bodyBytes)), bodyBytes);
  return packet;
}

/** Where the digest of `packet` stands under `scheme`: four bytes say where in a block of 764. */
function digestOffset(packet: Uint8Array, scheme: DigestScheme): number {
  const base = scheme === 0 ? 772 : 8;
  let sum = 0;
  for (let i = 0; i < 4; i++) sum += packet[base + i] as number;
  return base + 4 + (sum % 728);
}

function digestAt(packet: Uint8Array, offset: number, key: Uint8Array): Uint8Array {
  return hmacSha256(key, packet.subarray(0, offset), packet.subarray(offset + DIGEST_BYTES));
}

function imprint(packet: Uint8Array, scheme: DigestScheme, key: Uint8Array): void {
  const offset = digestOffset(packet, scheme);
  packet.set(digestAt(packet, offset, key), offset);
}

/** The valid digest of a C1 or S1, if there is one. Not secret, so a plain comparison will do. */
function findDigest(
  packet: Uint8Array,
  key: Uint8Array,
): { readonly scheme: DigestScheme; readonly digest: Uint8Array } | undefined {
  // A zero version marks the plain handshake; it saves the hashes for nearly every encoder of today.
  if (packet[4] === 0 && packet[5] === 0 && packet[6] === 0 && packet[7] === 0) return undefined;
  for (const scheme of [0, 1] as const) {
    const offset = digestOffset(packet, scheme);
    const digest = packet.slice(offset, offset + DIGEST_BYTES);
    const wanted = digestAt(packet, offset, key);
    if (digest.every((byte, i) => byte === wanted[i])) return { scheme, digest };
  }
  return undefined;
}

function refuse(version: number): HandshakeStep {
  const isEncrypted = version === 6 || version === 8 || version === 9;
  const code = isEncrypted ? "RTMPE_UNSUPPORTED" : "RTMP_VERSION_UNSUPPORTED";
  const message = isEncrypted
    ? `Cannot shake hands: version ${version} is RTMPE, whose keys are public. Use rtmp://, or rtmps:// for privacy`
    : `Cannot shake hands: version ${version} at byte 0, not ${PLAIN_VERSION}. ` +
      "Is the peer speaking TLS or HTTP to the RTMP port?";
  return { usedBytes: 1, output: NOTHING, isDone: false, failure: { code, message } };
}
