import type { MetaReply, MetaRequest } from "../../meta.ts";

const MONTH_SEC = 60 * 60 * 24 * 30;
const NON_NUMERIC = "cannot increment or decrement non-numeric value";
const BAD_DELTA = "invalid numeric delta argument";

interface Item {
  value: Uint8Array;
  clientFlags: string;
  /** In seconds on the server's clock; 0 for never. */
  exptimeSec: number;
  cas: number;
  isStale: boolean;
  /** Somebody has been told to recache it. */
  isTokenSent: boolean;
}

/**
 * What memcached 1.6.18 answers to meta requests about one key, on a clock of whole seconds that the test moves. Checked
 * against the real one by a differential test. Items are never evicted, unless told ({@link forget}).
 *
 * Left out: `h` and `l` (they tell of the past of an item), `me`, limits of size and memory.
 */
export class FakeMemcached {
  readonly #items = new Map<string, Item>();
  readonly #nowSec: () => number;
  readonly #itemBytesLimit: number;
  #lastCas = 0;

  /** @param nowSec Unix time in whole seconds. */
  constructor(nowSec: () => number, itemBytesLimit = 1 << 20) {
    this.#nowSec = nowSec;
    this.#itemBytesLimit = itemBytesLimit;
  }

  get itemCount(): number {
    return this.#items.size;
  }

  /** Carries out a request at once. */
  execute(request: MetaRequest): MetaReply {
    const name = nameOf(request.key);
    switch (request.verb) {
      case "mg":
        return this.#get(name, request.flags);
      case "ms":
        return this.#set(name, request.flags, request.value ?? new Uint8Array(0));
      case "md":
        return this.#delete(name, request.flags);
      case "ma":
        return this.#arithmetic(name, request.flags);
      case "me":
        return reply("EN");
      default:
        return request.verb satisfies never;
    }
  }

  /** As `flush_all`. */
  flush(): void {
    this.#items.clear();
  }

  /** As a restart: empty, and cas numbers begin anew. */
  restart(): void {
    this.#items.clear();
    this.#lastCas = 0;
  }

  /** As an eviction. */
  forget(key: Uint8Array): void {
    this.#items.delete(nameOf(key));
  }

  /** What is stored, whatever its exptime; for checks. */
  valueOf(key: Uint8Array): Uint8Array | undefined {
    return this.#items.get(nameOf(key))?.value;
  }

  #live(name: string): Item | undefined {
    const item = this.#items.get(name);
    if (!item) return undefined;
    if (item.exptimeSec === 0 || item.exptimeSec > this.#nowSec()) return item;
    this.#items.delete(name);
    return undefined;
  }

  #get(name: string, flags: readonly string[]): MetaReply {
    let item = this.#live(name);
    const vivify = token(flags, "N");
    let isWon = false;
    if (!item) {
      if (vivify === undefined) return reply("EN");
      item = this.#create(new Uint8Array(0), "0", 0);
      this.#items.set(name, item);
      isWon = true;
    }
    const isCreated = isWon;
    const told: string[] = [];
    for (const flag of flags) {
      const letter = flag.charAt(0);
      if (letter === "T" || (letter === "N" && isCreated)) item.exptimeSec = this.#exptimeOf(flag.slice(1));
      else if (letter === "R" && !isCreated && !item.isTokenSent && item.exptimeSec !== 0) {
        isWon ||= item.exptimeSec < this.#exptimeOf(flag.slice(1));
      } else told.push(...this.#describe(letter, item));
    }
    if (item.isTokenSent) told.push("Z");
    if (item.isStale) told.push("X");
    if (item.isStale && !item.isTokenSent) isWon = true;
    if (isWon) told.push("W");
    if (isWon) item.isTokenSent = true;
    return flags.includes("v") ? { code: "VA", flags: told, value: item.value } : reply("HD", told);
  }

  #describe(letter: string, item: Item): string[] {
    switch (letter) {
      case "c":
        return [`c${item.cas}`];
      case "f":
        return [`f${item.clientFlags}`];
      case "s":
        return [`s${item.value.length}`];
      case "t":
        return [`t${item.exptimeSec === 0 ? -1 : item.exptimeSec - this.#nowSec()}`];
      default:
        return [];
    }
  }

  #set(name: string, flags: readonly string[], value: Uint8Array): MetaReply {
    if (value.length > this.#itemBytesLimit) {
      this.#items.delete(name);
      return { code: "SERVER_ERROR", flags: [], message: "object too large for cache" };
    }
    const present = this.#live(name);
    const cas = token(flags, "C");
    const mode = (token(flags, "M") ?? "S").toUpperCase();
    const isCas = cas !== undefined && (mode === "S" || mode === "R");
    const isMatch = cas === undefined || Number(cas) === present?.cas;
    const isStale = isCas && !isMatch && present !== undefined && flags.includes("I") && Number(cas) < present.cas;
    // An add pays no heed to a cas number.
    if (!present && isCas) return reply("NF", casOf(flags, 0));
    if (present ? mode === "E" : "RAP".includes(mode)) return reply("NS", casOf(flags, 0));
    if ((isCas || "RAP".includes(mode)) && !isMatch && !isStale) return reply("EX", casOf(flags, 0));
    const extended = present && (mode === "A" || mode === "P") ? present : undefined;
    const item = extended
      ? this.#create(
          mode === "A" ? joined(extended.value, value) : joined(value, extended.value),
          extended.clientFlags,
          extended.exptimeSec,
        )
      : this.#create(value, token(flags, "F") ?? "0", this.#exptimeOf(token(flags, "T") ?? "0"));
    if (isStale && present) {
      item.isStale = true;
      item.isTokenSent = present.isTokenSent;
      item.exptimeSec = present.exptimeSec;
    }
    this.#items.set(name, item);
    return reply("HD", casOf(flags, item.cas));
  }

  #delete(name: string, flags: readonly string[]): MetaReply {
    const item = this.#live(name);
    if (!item) return reply("NF");
    const cas = token(flags, "C");
    if (cas !== undefined && Number(cas) !== item.cas) return reply("EX");
    if (!flags.includes("I")) {
      this.#items.delete(name);
      return reply("HD");
    }
    const exptime = token(flags, "T");
    if (exptime !== undefined) item.exptimeSec = this.#exptimeOf(exptime);
    item.isStale = true;
    item.isTokenSent = false;
    item.cas = ++this.#lastCas;
    return reply("HD");
  }

  #arithmetic(name: string, flags: readonly string[]): MetaReply {
    const deltaText = token(flags, "D") ?? "1";
    if (!/^\d+$/.test(deltaText)) return { code: "CLIENT_ERROR", flags: [], message: BAD_DELTA };
    let item = this.#live(name);
    const cas = token(flags, "C");
    const isCreated = !item;
    let isReplaced = false;
    if (!item) {
      if (token(flags, "N") === undefined) return reply("NF");
      item = this.#create(ascii(token(flags, "J") ?? "0"), "0", 0);
      this.#items.set(name, item);
    } else {
      const text = String.fromCharCode(...item.value);
      // Emptiness is looked at first, then the cas number, then the digits.
      if (text !== "" && cas !== undefined && Number(cas) !== item.cas) return reply("EX");
      if (!isNumber(text)) return { code: "CLIENT_ERROR", flags: [], message: NON_NUMERIC };
      const isDown = "Dd-".includes(token(flags, "M") ?? "I");
      const present = BigInt(digitsOf(text));
      const delta = BigInt(deltaText);
      const sum = isDown ? (delta > present ? 0n : present - delta) : BigInt.asUintN(64, present + delta);
      // In place if it fits, and then as long as before. Else in a new item, which memcached forgets to touch.
      isReplaced = sum.toString().length > item.value.length;
      item.value = ascii(sum.toString().padEnd(item.value.length));
      item.cas = ++this.#lastCas;
    }
    // In the order of the flags: a `t` before an `N` or `T` tells the time before it.
    const told: string[] = [];
    for (const flag of flags) {
      const letter = flag.charAt(0);
      const isTouch = letter === "T" && !isReplaced;
      if (isTouch || (letter === "N" && isCreated)) item.exptimeSec = this.#exptimeOf(flag.slice(1));
      else if (flag === "t" || flag === "c") told.push(...this.#describe(flag, item));
    }
    const number = ascii(digitsOf(String.fromCharCode(...item.value)));
    return flags.includes("v") ? { code: "VA", flags: told, value: number } : reply("HD", told);
  }

  #create(value: Uint8Array, clientFlags: string, exptimeSec: number): Item {
    return { value, clientFlags, exptimeSec, cas: ++this.#lastCas, isStale: false, isTokenSent: false };
  }

  /** @see memcached 1.6 doc/protocol.txt, "Expiration times" */
  #exptimeOf(text: string): number {
    const exptime = Number(text);
    if (exptime === 0) return 0;
    // The past; any time that is over will do.
    if (exptime < 0) return 1;
    return exptime > MONTH_SEC ? exptime : this.#nowSec() + exptime;
  }
}

function reply(code: MetaReply["code"], flags: readonly string[] = []): MetaReply {
  return { code, flags };
}

function token(flags: readonly string[], letter: string): string | undefined {
  return flags.find((flag) => flag.startsWith(letter))?.slice(1);
}

function casOf(flags: readonly string[], cas: number): string[] {
  return flags.includes("c") ? [`c${cas}`] : [];
}

function nameOf(key: Uint8Array): string {
  return String.fromCharCode(...key);
}

/** What follows the digits after a space does not count. */
function digitsOf(text: string): string {
  return /^ *(\d+)(?= |$)/.exec(text)?.[1] ?? "";
}

function isNumber(text: string): boolean {
  const digits = digitsOf(text);
  return digits !== "" && BigInt(digits) < 1n << 64n;
}

function ascii(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}

function joined(head: Uint8Array, tail: Uint8Array): Uint8Array {
  const whole = new Uint8Array(head.length + tail.length);
  whole.set(head);
  whole.set(tail, head.length);
  return whole;
}
