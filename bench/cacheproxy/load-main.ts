import { connect, type Socket } from "node:net";
import { createRandom } from "@kagami/clock";
import { keyOf, type LoadRequest, type LoadResult } from "./load-protocol.ts";

/** Share of the requests that are sets. */
const SET_SHARE = 0.1;
const BATCH_COUNT = 1_000;
const V = 86;
const E = 69;
const S = 83;
const T = 84;

/** What all connections of one run share: their requests are made before it begins. */
class Run {
  readonly request: LoadRequest;
  readonly batches: readonly Buffer[];
  readonly hitBytes: number;
  readonly shared = Buffer.alloc(1 << 18);
  readonly latenciesMs: number[] = [];
  isOver = false;
  operations = 0;
  hits = 0;
  misses = 0;
  stored = 0;
  errors = 0;

  constructor(request: LoadRequest) {
    const random = createRandom(request.pipeline * 1_000 + request.valueBytes);
    const value = "v".repeat(request.valueBytes);
    const one = (): string => {
      const key = keyOf(random.int(0, request.keyCount - 1));
      if (random.float() >= SET_SHARE) return `get ${key}\r\n`;
      return `set ${key} 0 0 ${value.length}\r\n${value}\r\n`;
    };
    this.request = request;
    this.batches = Array.from({ length: BATCH_COUNT }, () =>
      Buffer.from(Array.from({ length: request.pipeline }, one).join(""), "latin1"),
    );
    this.hitBytes = `VALUE ${keyOf(0)} 0 ${value.length}\r\n${value}\r\nEND\r\n`.length;
  }
}

/** One connection: sends a batch, counts its replies by their first bytes, sends the next. */
class Connection {
  readonly #run: Run;
  readonly #socket: Socket;
  #batch: number;
  #left = 0;
  #part: Buffer | undefined;
  #sentAtMs = 0;

  constructor(run: Run, port: number, index: number) {
    this.#run = run;
    this.#batch = (index * 37) % run.batches.length;
    this.#socket = connect({
      host: "127.0.0.1",
      port,
      noDelay: true,
      onread: {
        buffer: run.shared,
        callback: (size, buffer) => {
          this.#read(buffer as Buffer, size);
          return true;
        },
      },
    });
    this.#socket.on("error", () => {
      run.errors++;
    });
  }

  opened(): Promise<void> {
    return new Promise((resolve) => this.#socket.once("connect", resolve));
  }

  send(): void {
    const { batches, request } = this.#run;
    if (this.#left > 0) return; // a paced one that is still waiting skips its turn
    this.#left = request.pipeline;
    this.#batch = (this.#batch + 1) % batches.length;
    this.#sentAtMs = performance.now();
    this.#socket.write(batches[this.#batch] as Buffer);
  }

  close(): void {
    this.#socket.destroy();
  }

  #read(chunk: Buffer, size: number): void {
    const run = this.#run;
    let bytes = chunk;
    let end = size;
    if (this.#part) {
      bytes = Buffer.concat([this.#part, chunk.subarray(0, size)]);
      end = bytes.length;
      this.#part = undefined;
    }
    let at = 0;
    while (at < end) {
      const length = this.#replyBytes(bytes, at, end);
      if (length === 0 || at + length > end) break;
      this.#count(bytes, at);
      at += length;
    }
    if (at < end) this.#part = Buffer.from(bytes.subarray(at, end));
    if (this.#left > 0 || run.isOver) return;
    if (run.request.perSecond > 0) run.latenciesMs.push(performance.now() - this.#sentAtMs);
    else this.send();
  }

  /** Length of the reply that begins at `at`; 0 if that is not to be seen yet. */
  #replyBytes(bytes: Buffer, at: number, end: number): number {
    const first = bytes[at];
    if (first === V) return this.#run.hitBytes;
    if (first === E && bytes[at + 1] !== 82) return 5;
    if (first === S && at + 1 < end && bytes[at + 1] === T) return 8;
    return bytes.indexOf(10, at) + 1 - at;
  }

  #count(bytes: Buffer, at: number): void {
    const run = this.#run;
    run.operations++;
    this.#left--;
    if (bytes[at] === V) run.hits++;
    else if (bytes[at] === E && bytes[at + 1] !== 82) run.misses++;
    else if (bytes[at] === S && bytes[at + 1] === T) run.stored++;
    else run.errors++;
  }
}

async function runLoad(request: LoadRequest): Promise<LoadResult> {
  const run = new Run(request);
  const { ports, connections: count, perSecond } = request;
  const connections = Array.from(
    { length: count },
    (_, i) => new Connection(run, ports[i % ports.length] as number, i),
  );
  await Promise.all(connections.map((connection) => connection.opened()));
  const startedAtMs = performance.now();
  const cpu = process.cpuUsage();
  const timers = perSecond > 0 ? pace(connections, perSecond) : [];
  if (perSecond === 0) for (const connection of connections) connection.send();
  await new Promise((resolve) => setTimeout(resolve, request.milliseconds));
  run.isOver = true;
  for (const timer of timers) clearInterval(timer);
  const { user, system } = process.cpuUsage(cpu);
  const milliseconds = performance.now() - startedAtMs;
  for (const connection of connections) connection.close();
  const { operations, hits, misses, stored, errors, latenciesMs } = run;
  return { operations, hits, misses, stored, errors, milliseconds, loadCpuMs: (user + system) / 1_000, latenciesMs };
}

/** Sends one request after the other, each on the next connection. Some at once make up for a timer's coarse steps. */
function pace(connections: readonly Connection[], perSecond: number): NodeJS.Timeout[] {
  let sent = 0;
  const startedAtMs = performance.now();
  const timer = setInterval(() => {
    const due = ((performance.now() - startedAtMs) / 1_000) * perSecond;
    for (; sent < due; sent++) (connections[sent % connections.length] as Connection).send();
  }, 1);
  return [timer];
}

process.on("message", (request: LoadRequest) => {
  void runLoad(request).then((result) => process.send?.(result));
});
process.once("disconnect", () => process.exit());
