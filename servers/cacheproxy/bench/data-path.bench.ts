// What the data path itself costs for each operation, without sockets: 50 clients, 3 servers, 10 % sets.
import { createRandom } from "@kagami/clock";
import type { ClientConnection } from "../src/engine/client.ts";
import type { Cluster } from "../src/engine/cluster.ts";
import { DataPath } from "../src/engine/data-path.ts";
import type { UpstreamConnection } from "../src/engine/upstream.ts";
import type { Wire } from "../src/engine/wire.ts";
import { PoolPolicies } from "../src/pool-policies.ts";

const CLIENT_COUNT = 50;
const SERVER_COUNT = 3;
const isSmoke = process.argv.includes("--smoke");

/** Takes all at once, and keeps what was written last. */
class BenchWire implements Wire {
  writtenBytes = 0;
  isCapturing = false;
  captured: Uint8Array[] = [];

  write(bytes: Uint8Array, start: number, end: number): boolean {
    this.writtenBytes += end - start;
    if (this.isCapturing) this.captured.push(bytes.slice(start, end));
    return true;
  }

  pause(): void {}
  resume(): void {}
  end(): void {}
  destroy(): void {}
}

function measure(pipeline: number, valueBytes: number): void {
  const upstreams: { connection: UpstreamConnection; wire: BenchWire }[] = [];
  const path = new DataPath(
    {
      clientRequestLimit: 1_024,
      clientBufferBytes: 4 << 20,
      maxValueBytes: 1 << 20,
      maxKeysPerGet: 1_000,
      maxHeldBytes: 256 << 20,
      serverBufferBytes: 8 << 20,
      serverRequestLimit: 16_384,
      holdUs: 0,
      connectTimeoutUs: 1e6,
      reconnectUs: 1e5,
      reconnectMaxUs: 2e6,
      clientIdleUs: 0,
    },
    {
      nowUs: () => performance.now() * 1_000,
      random: Math.random,
      requestFlush: () => undefined,
      openUpstream: (connection) => {
        const wire = new BenchWire();
        upstreams.push({ connection, wire });
        connection.attach(wire);
      },
      processStats: () => [],
    },
    new PoolPolicies(),
  );
  path.apply(cluster());
  for (const { connection, wire } of upstreams) connection.onConnected(wire);
  const clients = Array.from({ length: CLIENT_COUNT }, () => path.addClient(new BenchWire()));
  const batches = clients.map((_, i) => batch(i, pipeline, valueBytes));
  for (const { wire } of upstreams) wire.isCapturing = true;
  send(path, clients, batches);
  const replies = upstreams.map(({ wire }) => {
    wire.isCapturing = false;
    return repliesTo(wire.captured.map((bytes) => new TextDecoder("latin1").decode(bytes)).join(""), valueBytes);
  });
  const turn = (isSent: boolean): void => {
    if (!isSent) send(path, clients, batches);
    for (const [i, { connection }] of upstreams.entries()) {
      const bytes = replies[i] as Uint8Array;
      connection.onBytes(bytes, 0, bytes.length);
    }
    path.flush();
  };
  turn(true);
  const operations = CLIENT_COUNT * pipeline;
  const turnCount = Math.ceil((isSmoke ? 2_000 : 200_000) / operations);
  let bestNs = Number.POSITIVE_INFINITY;
  for (let round = 0; round < (isSmoke ? 1 : 15); round++) {
    const startMs = performance.now();
    for (let i = 0; i < turnCount; i++) turn(false);
    bestNs = Math.min(bestNs, ((performance.now() - startMs) * 1e6) / (turnCount * operations));
  }
  const pending = upstreams.reduce((sum, { connection }) => sum + connection.pendingCount, 0);
  const check = `${pending} pending, ${path.buffers.lentBytes} bytes lent`;
  console.log(`pipeline ${pipeline}, ${valueBytes} B: ${bestNs.toFixed(0)} ns an operation (${check})`);
  path.close();
}

function send(path: DataPath, clients: readonly ClientConnection[], batches: readonly Uint8Array[]): void {
  for (const [i, client] of clients.entries()) {
    const bytes = batches[i] as Uint8Array;
    client.onBytes(bytes, 0, bytes.length);
  }
  path.flush();
}

function batch(client: number, pipeline: number, valueBytes: number): Uint8Array {
  const random = createRandom(client + 1);
  let text = "";
  for (let i = 0; i < pipeline; i++) {
    const key = `bench:${String(random.int(0, 19_999)).padStart(8, "0")}`;
    text += random.float() < 0.1 ? `set ${key} 0 0 ${valueBytes}\r\n${"v".repeat(valueBytes)}\r\n` : `get ${key}\r\n`;
  }
  return new TextEncoder().encode(text);
}

function repliesTo(requests: string, valueBytes: number): Uint8Array {
  let text = "";
  for (const line of requests.split("\r\n")) {
    const [verb, key] = line.split(" ");
    if (verb === "get") text += `VALUE ${key} 0 ${valueBytes}\r\n${"v".repeat(valueBytes)}\r\nEND\r\n`;
    else if (verb === "set") text += "STORED\r\n";
  }
  return new TextEncoder().encode(text);
}

function cluster(): Cluster {
  const servers = Array.from({ length: SERVER_COUNT }, (_, i) => ({
    name: `127.0.0.1:${11_311 + i}`,
    host: "127.0.0.1",
    port: 11_311 + i,
    weight: 1,
    tls: false,
  }));
  const options = { timeoutMs: 500, failureLimit: 3, recoveryLimit: 3 };
  const pool = { name: "main", placement: { kind: "slots" as const, servers }, options };
  return { epoch: 1, config: { pools: [pool], routes: [{ prefix: "", pool: "main" }] }, ejections: [], moves: [] };
}

for (const pipeline of [1, 16]) for (const valueBytes of [100, 1_024]) measure(pipeline, valueBytes);
