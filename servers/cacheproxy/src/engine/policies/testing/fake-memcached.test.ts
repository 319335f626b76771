import { connect, type Socket } from "node:net";
import { createRandom, type Random } from "@kagami/clock";
import { type Reference, startMemcached } from "@kagami/testkit";
import { afterAll, beforeAll, expect, test } from "vitest";
import { decodeMeta, encodeMeta } from "../../../protocol/meta-wire.ts";
import type { MetaReply, MetaRequest } from "../../meta.ts";
import { FakeMemcached } from "./fake-memcached.ts";

let memcached: Reference;

beforeAll(async () => {
  // Whether a number that became shorter is padded depends on nobody else holding the item, so nobody else may.
  memcached = await startMemcached(["-t", "1", "-o", "no_lru_crawler,no_lru_maintainer"]);
});

afterAll(async () => {
  await memcached.stop();
});

/** Asks a real memcached and collects as many replies as there were requests. */
class RealMemcached {
  readonly #socket: Socket;
  #bytes = Buffer.alloc(0);
  readonly #waiting: ((reply: MetaReply) => void)[] = [];

  constructor(port: number) {
    this.#socket = connect(port, "127.0.0.1");
    this.#socket.on("data", (piece) => {
      this.#bytes = Buffer.concat([this.#bytes, piece]);
      this.#drain();
    });
  }

  execute(request: MetaRequest): Promise<MetaReply> {
    return new Promise((resolve) => {
      this.#waiting.push(resolve);
      this.#socket.write(encodeMeta(request));
    });
  }

  close(): void {
    this.#socket.destroy();
  }

  #drain(): void {
    for (;;) {
      const lineEnd = this.#bytes.indexOf("\r\n");
      if (lineEnd < 0) return;
      const line = this.#bytes.toString("latin1", 0, lineEnd);
      const end = lineEnd + 2 + (line.startsWith("VA ") ? Number(line.split(" ")[1]) + 2 : 0);
      if (this.#bytes.length < end) return;
      this.#waiting.shift()?.(decodeMeta(this.#bytes, 0, end));
      this.#bytes = this.#bytes.subarray(end);
    }
  }
}

const KEYS = ["a", "b", "c"];
const VALUES = ["", "7", "10", "18446744073709551615", "text", "99 "];

/** Cas numbers differ; both sides are given those of their own last reply for the key, or one that is wrong. */
type Draft = { request: MetaRequest; cas: "none" | "right" | "low" | "high" };

function draw(random: Random): Draft {
  const key = Buffer.from(random.pick(KEYS));
  const some = (flags: readonly string[], chance = 0.35) => flags.filter(() => random.chance(chance));
  const ttl = () => random.pick(["0", "100", "-1", "1000"]);
  const cas = random.pick(["none", "none", "right", "low", "high"] as const);
  switch (random.pick(["mg", "mg", "ms", "ms", "md", "ma"] as const)) {
    case "mg": {
      const flags = [...some(["v", "f", "c", "t", "s"], 0.6), ...some([`T${ttl()}`, "N50", "R500"])];
      return { request: { verb: "mg", key, flags: random.shuffle(flags) }, cas: "none" };
    }
    case "ms": {
      const mode = random.pick(["", "", "ME", "MA", "MP", "MR", "MS"]);
      const flags = [...some([`T${ttl()}`, "F9", "c", "I"]), ...(mode === "" ? [] : [mode])];
      const value = Buffer.from(random.pick(VALUES));
      return { request: { verb: "ms", key, flags, value }, cas };
    }
    case "md":
      return { request: { verb: "md", key, flags: some(["I", "T80"]) }, cas };
    case "ma": {
      const flags = [
        ...some(["v", "t", "c", `T${ttl()}`, "N60", "D3"], 0.4),
        ...some([random.pick(["MD", "MI", "M+", "M-"])]),
      ];
      if (flags.includes("N60")) flags.push(...some(["J5"]));
      return { request: { verb: "ma", key, flags }, cas };
    }
    default:
      throw new Error("unreachable");
  }
}

function withCas({ request, cas }: Draft, known: Map<string, string>): MetaRequest {
  if (cas === "none") return request;
  const right = known.get(request.key.toString());
  if (right === undefined) return request;
  return { ...request, flags: [...request.flags, `C${{ right, low: "1", high: "999999999" }[cas]}`] };
}

/** Remaining times may differ by the second in which the two looked; cas numbers are each server's own. */
function comparable(reply: MetaReply): unknown {
  const flags = reply.flags.map((flag) => {
    if (flag.startsWith("c")) return flag === "c0" ? "c0" : "c";
    // Of an item just given an exptime in the past, memcached tells some difference of unsigned numbers.
    if (Math.abs(Number(flag.slice(1))) > 100_000_000 && flag.startsWith("t")) return "t past";
    if (flag.startsWith("t") && flag !== "t-1") return `t${Math.round(Number(flag.slice(1)) / 5)}`;
    return flag;
  });
  return { code: reply.code, flags, value: reply.value && Buffer.from(reply.value).toString(), message: reply.message };
}

test("it answers what memcached 1.6.18 answers, over 6,000 drawn requests", async () => {
  const seed = 20_261_123;
  const random = createRandom(seed);
  const real = new RealMemcached(memcached.port);
  const fake = new FakeMemcached(() => Math.floor(Date.now() / 1000));
  const realCas = new Map<string, string>();
  const fakeCas = new Map<string, string>();
  const history: string[] = [];
  // So that no later item has cas number 1.
  const first: MetaRequest = { verb: "ms", key: Buffer.from("first"), flags: [], value: Buffer.from("x") };
  fake.execute(first);
  await real.execute(first);
  for (let i = 0; i < 6_000; i++) {
    const draft = draw(random);
    const name = draft.request.key.toString();
    // Learns the present cas number, so that "right" is.
    if (draft.cas === "right") {
      const probe: MetaRequest = { verb: "mg", key: draft.request.key, flags: ["c"] };
      remember(realCas, name, await real.execute(probe));
      remember(fakeCas, name, fake.execute(probe));
    }
    const expected = await real.execute(withCas(draft, realCas));
    const actual = fake.execute(withCas(draft, fakeCas));
    history.push(`${draft.request.verb} ${name} ${draft.request.flags.join(" ")} cas=${draft.cas}`);
    expect(comparable(actual), `seed ${seed}, request ${i}: ${history.slice(-6).join(" | ")}`).toEqual(
      comparable(expected),
    );
  }
  real.close();
  expect(memcached.version).toMatch(/^1\.6\./);
}, 60_000);

function remember(known: Map<string, string>, name: string, reply: MetaReply): void {
  const cas = reply.flags.find((flag) => flag.startsWith("c"))?.slice(1);
  if (cas === undefined) known.delete(name);
  else known.set(name, cas);
}
