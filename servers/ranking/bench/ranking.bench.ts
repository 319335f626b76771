// How fast windows and boards are inside the engine: whole commands from arguments to reply, without sockets or log.
import { createHash } from "node:crypto";
import { createRandom } from "@kagami/clock";
import { Engine } from "../src/engine/engine.ts";
import { Session } from "../src/engine/session.ts";
import { Args } from "../src/protocol/args.ts";
import { ReplyWriter } from "../src/protocol/reply-writer.ts";

const isSmoke = process.argv.includes("--smoke");
const MEMBERS = isSmoke ? 1_000 : 1_000_000;
const CALLS = isSmoke ? 2_000 : 1_000_000;
const ROUNDS = isSmoke ? 1 : 2;
/** Commands of one turn. */
const TURN = 256;
const MEMBER_BYTES = 16;

const engine = new Engine({
  hashSeed: 1,
  hashPassword: (bytes) => createHash("sha256").update(bytes).digest("hex"),
  clockUs: () => 0,
});
const session = new Session(1, { send: () => undefined, close: () => undefined }, engine.users.defaultUser);
const reply = new ReplyWriter();
const random = createRandom(1);
let nowMs = 1_700_000_000_000;

/** A command of which the member and, if it has one, the score differ from call to call. */
function prepare(words: readonly string[]): { args: Args; memberAt: number; scoreAt: number } {
  const args = new Args();
  args.assign(words.map((word) => Buffer.from(word === "MEMBER16" ? "m".repeat(MEMBER_BYTES) : word)));
  const scoreAt = words.indexOf("123");
  return { args, memberAt: args.starts[words.indexOf("MEMBER16")]!, scoreAt: scoreAt < 0 ? -1 : args.starts[scoreAt]! };
}

function putMember(bytes: Uint8Array, at: number, member: number): void {
  let rest = member;
  for (let i = MEMBER_BYTES - 1; i >= MEMBER_BYTES - 8; i--) {
    bytes[at + i] = 48 + (rest % 10);
    rest = Math.floor(rest / 10);
  }
}

function run(words: readonly string[], calls: number, memberOf: (call: number) => number): number {
  const { args, memberAt, scoreAt } = prepare(words);
  const startMs = performance.now();
  for (let call = 0; call < calls; ) {
    engine.beginTurn(nowMs++, call);
    for (let left = TURN; left > 0; left--, call++) {
      putMember(args.bytes, memberAt, memberOf(call));
      if (scoreAt >= 0) {
        const score = random.nextU32() % 900;
        args.bytes[scoreAt] = 49 + Math.floor(score / 100);
        args.bytes[scoreAt + 1] = 48 + (Math.floor(score / 10) % 10);
        args.bytes[scoreAt + 2] = 48 + (score % 10);
      }
      reply.length = 0;
      engine.execute(session, args, reply);
    }
    engine.endTurn();
  }
  if (reply.bytes[0] === 45) throw new Error(Buffer.from(reply.bytes.subarray(0, reply.length)).toString());
  return calls / (performance.now() - startMs) / 1_000;
}

function create(...words: readonly string[]): void {
  const args = new Args();
  args.assign(words.map((word) => Buffer.from(word)));
  engine.beginTurn(nowMs, 0);
  engine.execute(session, args, reply);
  engine.endTurn();
}

function measure(name: string, ...words: readonly string[]): void {
  run(words, MEMBERS, (call) => call % MEMBERS);
  for (let round = 0; round < ROUNDS; round++) {
    const rate = run(words, CALLS, () => random.nextU32() % MEMBERS);
    console.log(`${name.padEnd(52)} ${rate.toFixed(3)} M/s, ${(1 / rate).toFixed(2)} µs`);
  }
}

const FOUR = ["BOARDS", "4", "b1", "b2", "b3", "b4"];
measure("WIN.HIT, exact, default resolutions", "WIN.HIT", "w", "MEMBER", "MEMBER16");
create("WIN.CREATE", "a", "UNIQUES", "APPROX");
measure("WIN.HIT, approximate", "WIN.HIT", "a", "MEMBER", "MEMBER16");
measure("RANK.ADD, one board", "RANK.ADD", "MEMBER16", "123", "BOARDS", "1", "b");
measure("RANK.ADD, four boards", "RANK.ADD", "MEMBER16", "123", ...FOUR);
measure(
  "RANK.ADD, four boards, rank and around of five",
  "RANK.ADD",
  "MEMBER16",
  "123",
  ...FOUR,
  "WITH",
  "RANK",
  "AROUND",
  "5",
);
measure("RANK.OF", "RANK.OF", "b", "MEMBER16");
const { heap } = engine.store;
const bytes = heap.use.liveBytes + heap.outsideBytes;
console.log(`${(bytes / MEMBERS).toFixed(0)} bytes for each member of one window and five boards`);
