// Sorted sets inside one process, without sockets: CPU time of an operation and bytes a member.
//
//   node --expose-gc servers/ranking/bench/sorted-set.bench.ts [--smoke] [--only wide|ties|commands|10|50|128]
//
// What the process has grown by says something of the first part only: later ones use memory that is free again.
import { createRandom } from "@kagami/clock";
import { Engine } from "../src/engine/engine.ts";
import { Session } from "../src/engine/session.ts";
import { Store } from "../src/engine/store.ts";
import { SortedSet } from "../src/engine/structures/sorted-set.ts";
import { Args } from "../src/protocol/args.ts";
import { ReplyWriter } from "../src/protocol/reply-writer.ts";

const isSmoke = process.argv.includes("--smoke");
const MEMBERS = isSmoke ? 5_000 : 1_000_000;
const OPERATIONS = isSmoke ? 5_000 : 300_000;
const ROUNDS = isSmoke ? 1 : 3;
const SMALL_SETS = isSmoke ? 100 : 100_000;
const MEMBER_BYTES = 16;

const random = createRandom(1);

function measure(name: string, count: number, run: () => void): void {
  const best: number[] = [];
  for (let round = 0; round < ROUNDS; round++) {
    const startNs = cpuNs();
    run();
    best.push((cpuNs() - startNs) / count);
  }
  const ns = best.toSorted((a, b) => a - b)[ROUNDS >> 1] ?? 0;
  console.log(`${name.padEnd(36)} ${ns.toFixed(0).padStart(6)} ns, ${(1e9 / ns / 1_000).toFixed(0).padStart(6)} k/s`);
}

/** CPU time of the process: other load on the machine lengthens it less than the time on the wall. */
function cpuNs(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) * 1_000;
}

/** Resident bytes of the process, after the garbage is gone where `--expose-gc` allows it. */
function residentBytes(): number {
  const collect = (globalThis as { gc?: () => void }).gc;
  collect?.();
  collect?.();
  return process.memoryUsage.rss();
}

const encoder = new TextEncoder();
const nameOf = (index: number): Uint8Array => encoder.encode(`member${String(index).padStart(MEMBER_BYTES - 6, "0")}`);
const names = new Uint8Array(MEMBERS * MEMBER_BYTES);
for (let i = 0; i < MEMBERS; i++) names.set(nameOf(i), i * MEMBER_BYTES);
const order = new Int32Array(OPERATIONS);
for (let i = 0; i < OPERATIONS; i++) order[i] = random.int(0, MEMBERS - 1);
const added = Int32Array.from({ length: MEMBERS }, (_, i) => i);
for (let i = MEMBERS - 1; i > 0; i--) {
  const other = random.int(0, i);
  [added[i], added[other]] = [added[other] as number, added[i] as number];
}

function benchSet(what: string, drawScore: () => number): void {
  const before = residentBytes();
  const store = new Store(1);
  const set = new SortedSet(store);
  const startNs = cpuNs();
  for (const index of added) {
    const at = index * MEMBER_BYTES;
    if (set.find(names, at, at + MEMBER_BYTES) === 0) set.add(names, at, at + MEMBER_BYTES, drawScore());
  }
  const ns = (cpuNs() - startNs) / MEMBERS;
  const { liveBytes } = store.heap.use;
  const grown = residentBytes() - before;
  console.log(`\n${what}: ${MEMBERS} members of ${MEMBER_BYTES} bytes, added in ${ns.toFixed(0)} ns each`);
  const figures = [liveBytes + store.heap.outsideBytes, store.heap.use.reservedBytes + store.heap.outsideBytes, grown];
  const [live = 0, reserved = 0, resident = 0] = figures.map((bytes) => bytes / MEMBERS);
  console.log(
    `bytes a member: ${live.toFixed(1)} in use, ${reserved.toFixed(1)} reserved, ${resident.toFixed(1)} of the process`,
  );
  let check = 0;
  measure("score of a member", OPERATIONS, () => {
    for (const index of order) {
      const at = index * MEMBER_BYTES;
      check += set.foundScore(set.find(names, at, at + MEMBER_BYTES));
    }
  });
  measure("add to a score", OPERATIONS, () => {
    for (const index of order) {
      const at = index * MEMBER_BYTES;
      const found = set.find(names, at, at + MEMBER_BYTES);
      set.changeScore(found, set.foundScore(found) + (index & 15));
    }
  });
  measure("rank of a member", OPERATIONS, () => {
    for (const index of order) {
      const at = index * MEMBER_BYTES;
      check += set.rankOf(names, at, at + MEMBER_BYTES);
    }
  });
  measure("10 members from a rank", OPERATIONS, () => {
    for (const index of order) {
      set.forEach(Math.min(index, MEMBERS - 10), 10, false, (_bytes, start) => {
        check += start;
      });
    }
  });
  measure("remove and add again", OPERATIONS, () => {
    for (const index of order) {
      const at = index * MEMBER_BYTES;
      const found = set.find(names, at, at + MEMBER_BYTES);
      const score = set.foundScore(found);
      set.remove(found);
      set.find(names, at, at + MEMBER_BYTES);
      set.add(names, at, at + MEMBER_BYTES, score);
    }
  });
  console.log(`check ${check}`);
}

/** The whole path of a command but the socket: arguments in, reply and batch out. */
function benchCommands(): void {
  const engine = new Engine({ hashSeed: 1, hashPassword: () => "", clockUs: () => 0 });
  const session = new Session(1, { send: () => undefined, close: () => undefined }, engine.users.defaultUser);
  const reply = new ReplyWriter();
  const call = (parts: readonly Uint8Array[]): Args => {
    const args = new Args();
    args.assign(parts);
    return args;
  };
  const word = (text: string): Uint8Array => encoder.encode(text);
  const member = new Uint8Array(MEMBER_BYTES);
  const fill = (args: Args, at: number, index: number): void => {
    args.bytes.set(names.subarray(index * MEMBER_BYTES, (index + 1) * MEMBER_BYTES), args.starts[at]);
  };
  const run = (args: Args, at: number, indexes: Int32Array): void => {
    for (let from = 0; from < indexes.length; from += 64) {
      engine.beginTurn(1_700_000_000_000, from);
      for (let i = from; i < Math.min(indexes.length, from + 64); i++) {
        fill(args, at, indexes[i] as number);
        engine.execute(session, args, reply);
      }
      engine.endTurn();
      reply.length = 0;
    }
  };
  const add = call([word("ZINCRBY"), word("board"), word("1234"), member]);
  run(add, 3, added);
  console.log(`\ncommands on ${MEMBERS} members, 64 a turn`);
  const increments = Array.from({ length: 16 }, (_, i) =>
    call([word("ZINCRBY"), word("board"), word(String(i * 97)), member]),
  );
  measure("ZINCRBY", OPERATIONS, () => {
    const part = Math.ceil(OPERATIONS / 16);
    for (const [i, args] of increments.entries()) run(args, 3, order.subarray(i * part, (i + 1) * part));
  });
  const rank = call([word("ZREVRANK"), word("board"), member]);
  measure("ZREVRANK", OPERATIONS, () => run(rank, 2, order));
  const score = call([word("ZSCORE"), word("board"), member]);
  measure("ZSCORE", OPERATIONS, () => run(score, 2, order));
}

function benchSmall(size: number): void {
  const sets = Math.ceil((SMALL_SETS * 10) / size);
  const before = residentBytes();
  const store = new Store(1);
  const startNs = cpuNs();
  const made: SortedSet[] = [];
  for (let i = 0; i < sets; i++) {
    const set = new SortedSet(store);
    for (let j = 0; j < size; j++) {
      const at = ((i * 7 + j) % MEMBERS) * MEMBER_BYTES;
      set.find(names, at, at + MEMBER_BYTES);
      set.add(names, at, at + MEMBER_BYTES, random.int(0, 100_000));
    }
    made.push(set);
  }
  const ns = (cpuNs() - startNs) / sets / size;
  const live = store.heap.use.liveBytes / sets / size;
  const grown = (residentBytes() - before) / sets / size;
  console.log(
    `${made.length} sets of ${size}: ${live.toFixed(1)} bytes a member in the heap, ${grown.toFixed(1)} of the process, added in ${ns.toFixed(0)} ns each`,
  );
}

const PARTS: readonly (readonly [name: string, run: () => void])[] = [
  ["wide", () => benchSet("wide scores", () => random.float() * 1e9)],
  ["ties", () => benchSet("five scores", () => random.int(0, 4))],
  ["commands", benchCommands],
  ["10", () => benchSmall(10)],
  ["50", () => benchSmall(50)],
  ["128", () => benchSmall(128)],
];
const only = process.argv[process.argv.indexOf("--only") + 1];
for (const [name, run] of PARTS) if (!process.argv.includes("--only") || name === only) run();
