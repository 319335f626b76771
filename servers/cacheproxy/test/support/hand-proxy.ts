import type { Cluster } from "../../src/engine/cluster.ts";
import { DataPath } from "../../src/engine/data-path.ts";
import type { PoolPolicy } from "../../src/engine/pool-policy.ts";
import type { UpstreamConnection } from "../../src/engine/upstream.ts";
import type { Wire } from "../../src/engine/wire.ts";
import { TEST_LIMITS } from "./simulated-proxy.ts";

const latin1 = new TextDecoder("latin1");
const bytesOf = (text: string): Uint8Array => Uint8Array.from(text, (character) => character.charCodeAt(0));

/** A wire that takes everything and keeps it as text. */
class TextWire implements Wire {
  written = "";

  write(bytes: Uint8Array, start: number, end: number): boolean {
    this.written += latin1.decode(bytes.subarray(start, end));
    return true;
  }

  pause(): void {}
  resume(): void {}
  end(): void {}
  destroy(): void {}

  take(): string {
    const taken = this.written;
    this.written = "";
    return taken;
  }
}

/** A client by hand. */
export interface HandClient {
  send(text: string): void;
  /** What it was told since the last call. */
  told(): string;
  close(): void;
}

/** A data path before one server, whose every step is taken by hand: nothing is written before {@link takeSent}. */
export class HandProxy {
  readonly path: DataPath;
  #nowUs = 1;
  #wire = new TextWire();
  #upstream: UpstreamConnection | undefined;

  constructor(policy: PoolPolicy = ONE_SERVER) {
    const surroundings = {
      nowUs: () => this.#nowUs,
      random: () => 0.5,
      requestFlush: () => undefined,
      openUpstream: (upstream: UpstreamConnection) => {
        this.#upstream = upstream;
        this.#wire = new TextWire();
        upstream.attach(this.#wire);
      },
      processStats: () => [],
    };
    const policyMaker = { policiesOf: () => new Map([["main", policy]]), takeCounts: () => [] };
    this.path = new DataPath(TEST_LIMITS, surroundings, policyMaker);
    this.path.apply(CLUSTER);
    this.#upstream?.onConnected(this.#wire);
  }

  addClient(): HandClient {
    const wire = new TextWire();
    const connection = this.path.addClient(wire);
    return {
      send: (text) => {
        const bytes = bytesOf(text);
        connection.onBytes(bytes, 0, bytes.length);
        bytes.fill(0x21);
      },
      told: () => {
        this.path.flush();
        return wire.take();
      },
      close: () => connection.onClosed(),
    };
  }

  /** What the server is sent since the last call. */
  takeSent(): string {
    this.path.flush();
    return this.#wire.take();
  }

  /** The server says something. */
  answer(text: string): void {
    const bytes = bytesOf(text);
    this.#upstream?.onBytes(bytes, 0, bytes.length);
    if (!this.#upstream?.takeKeptBuffer()) bytes.fill(0x21);
  }

  /** The server's connection is lost. */
  cut(): void {
    this.#upstream?.onClosed(this.#wire);
  }

  /** Time passes until the server is connected to again. */
  reconnect(): void {
    this.pass(TEST_LIMITS.reconnectMaxUs);
    this.#upstream?.onConnected(this.#wire);
  }

  /** Time passes. */
  pass(us: number): void {
    this.#nowUs += us;
    this.path.tick();
    this.path.flush();
  }

  /** The server is known to have small values, so that only the length of a line limits how many keys a get has. */
  learnSmallValues(): void {
    const client = this.addClient();
    for (let i = 0; i < 200; i++) {
      client.send("get a\r\nget b\r\n");
      this.takeSent();
      this.answer("VALUE a 0 1\r\na\r\nEND\r\n");
    }
    client.close();
  }
}

const ONE_SERVER: PoolPolicy = { direct: () => 0, mustWait: () => false, run: () => undefined };

const CLUSTER: Cluster = {
  epoch: 1,
  config: {
    pools: [
      {
        name: "main",
        placement: { kind: "slots", servers: [{ name: "s1", host: "server", port: 1, weight: 1, tls: false }] },
        options: { timeoutMs: 200, failureLimit: 3, recoveryLimit: 3 },
      },
    ],
    routes: [{ prefix: "", pool: "main" }],
  },
  ejections: [],
  moves: [],
};
