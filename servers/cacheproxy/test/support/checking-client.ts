import type { Random } from "@kagami/clock";
import type { FakeSocket } from "@kagami/testkit";

const decoder = new TextDecoder("latin1");

/** A request, and what may be said to it. */
interface Asked {
  readonly line: string;
  /** Length of the reply at the beginning of `input` if it is whole and right; 0 for more; throws if it is wrong. */
  readonly check: (input: string) => number;
}

/**
 * A client that knows what it may be told. Its keys are its own and every value begins with its key and a number that
 * grows, so a reply of somebody else's, or in another's place, is found out.
 */
export class CheckingClient {
  readonly name: string;
  readonly #socket: FakeSocket;
  readonly #random: Random;
  readonly #keys: readonly string[];
  readonly #asked: Asked[] = [];
  /** The number in the value last set, by key; only where no failure has made it uncertain. */
  readonly #known = new Map<string, number | undefined>();
  #input = "";
  #count = 0;
  replyCount = 0;
  failureCount = 0;
  hitCount = 0;
  isClosed = false;

  constructor(name: string, socket: FakeSocket, random: Random, keys: readonly string[]) {
    this.name = name;
    this.#socket = socket;
    this.#random = random;
    this.#keys = keys;
    socket.handle({
      onData: (bytes) => this.#onText(decoder.decode(bytes)),
      onClose: () => {
        this.isClosed = true;
      },
    });
  }

  /** Requests without a reply. */
  get waitingCount(): number {
    return this.#asked.length;
  }

  /** Sends some requests at once. */
  sendBurst(count: number, maxValueBytes: number): void {
    let text = "";
    for (let i = 0; i < count; i++) text += this.#next(maxValueBytes);
    this.#socket.write(Uint8Array.from(text, (character) => character.charCodeAt(0)));
  }

  #next(maxValueBytes: number): string {
    const random = this.#random;
    const key = this.#keys[random.int(0, this.#keys.length - 1)] as string;
    const kind = random.int(0, 11);
    if (kind <= 3) return this.#get([key]);
    if (kind <= 5) {
      return this.#get(
        Array.from({ length: random.int(2, 9) }, () => this.#keys[random.int(0, this.#keys.length - 1)] as string),
      );
    }
    if (kind <= 8) return this.#set(key, random.int(0, maxValueBytes), kind === 8);
    if (kind === 9) return this.#delete(key);
    if (kind === 10) return this.#ask("version\r\n", (input) => this.#line(input, /^VERSION [^\r]+$/));
    return this.#ask("bogus words\r\n", (input) => this.#line(input, /^ERROR$/));
  }

  #ask(line: string, check: Asked["check"]): string {
    this.#asked.push({ line, check });
    return line;
  }

  #get(keys: readonly string[]): string {
    // What is known when the request is sent: the client's own requests are carried out in their order, per key.
    const known = keys.map((key) => ({ key, number: this.#known.get(key), isKnown: this.#known.has(key) }));
    return this.#ask(`get ${keys.join(" ")}\r\n`, (input) => {
      let at = 0;
      for (const { key, number, isKnown } of known) {
        const head = new RegExp(`^VALUE ${key} 0 (\\d+)\r\n`).exec(input.slice(at, at + 200));
        if (!head) {
          if (isKnown && number !== undefined) this.#missed(key, input.slice(at));
          continue;
        }
        const valueAt = at + head[0].length;
        const length = Number(head[1]);
        if (input.length < valueAt + length + 2) return 0;
        const value = input.slice(valueAt, valueAt + length);
        const told = /^(\S+)#(\d+)#x*$/.exec(value);
        if (told?.[1] !== key) throw new Error(`${this.name} asked for ${key} and was told ${value.slice(0, 60)}`);
        if (number !== undefined && isKnown && Number(told[2]) !== number) {
          throw new Error(`${this.name} set ${key} to ${number} and read ${told[2]}`);
        }
        this.hitCount++;
        at = valueAt + length + 2;
      }
      const end = this.#line(input.slice(at), /^(END|SERVER_ERROR .*)$/);
      return end === 0 ? 0 : at + end;
    });
  }

  /** Without failures a value that was set is there; more bytes may still bring it. */
  #missed(key: string, rest: string): void {
    if (!this.isExact || !rest.includes("\r\n")) return;
    throw new Error(`${this.name} set ${key} and misses it: ${rest.slice(0, 60)}`);
  }

  /** Whether nothing goes wrong in this simulation, so that every value must be there. */
  isExact = false;

  #set(key: string, sizeBytes: number, isQuiet: boolean): string {
    const number = ++this.#count;
    const value = `${key}#${number}#`.padEnd(sizeBytes, "x");
    this.#known.set(key, this.isExact ? number : undefined);
    const line = `set ${key} 0 0 ${value.length}${isQuiet ? " noreply" : ""}\r\n${value}\r\n`;
    if (isQuiet) return line;
    return this.#ask(line, (input) => this.#line(input, /^(STORED|SERVER_ERROR .*)$/));
  }

  #delete(key: string): string {
    this.#known.set(key, undefined);
    return this.#ask(`delete ${key}\r\n`, (input) => this.#line(input, /^(DELETED|NOT_FOUND|SERVER_ERROR .*)$/));
  }

  #line(input: string, pattern: RegExp): number {
    const end = input.indexOf("\r\n");
    if (end < 0) return 0;
    const line = input.slice(0, end);
    if (!pattern.test(line)) throw new Error(`${this.name} was told ${line.slice(0, 80)} instead of ${pattern}`);
    if (line.startsWith("SERVER_ERROR")) this.failureCount++;
    return end + 2;
  }

  #onText(text: string): void {
    this.#input += text;
    for (;;) {
      const asked = this.#asked[0];
      if (!asked) break;
      const failures = this.failureCount;
      const hits = this.hitCount;
      const used = asked.check(this.#input);
      if (used === 0) {
        this.failureCount = failures;
        this.hitCount = hits;
        return;
      }
      this.#input = this.#input.slice(used);
      this.#asked.shift();
      this.replyCount++;
    }
    if (this.#input !== "") throw new Error(`${this.name} was told ${this.#input.slice(0, 80)} unasked`);
  }
}
