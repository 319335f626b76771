import type { FakeSocket } from "@kagami/testkit";

const text = new TextDecoder("latin1");
const bytesOf = (line: string): Uint8Array => Uint8Array.from(line, (character) => character.charCodeAt(0));

/** As much of memcached as the simulations of the data path ask for, over the bytes of simulated links. */
export class FakeServer {
  readonly store = new Map<string, string>();
  /** Requests carried out. */
  requestCount = 0;

  /** Serves one more link. */
  accept(socket: FakeSocket): void {
    let input = "";
    socket.handle({
      onData: (bytes) => {
        input += text.decode(bytes);
        for (;;) {
          const used = this.#serve(input, (reply) => socket.write(bytesOf(reply)));
          if (used === 0) break;
          input = input.slice(used);
        }
      },
      onEnd: () => socket.end(),
    });
  }

  /** Carries out the first request, if it is whole. Returns its length. */
  #serve(input: string, reply: (text: string) => void): number {
    const lineEnd = input.indexOf("\r\n");
    if (lineEnd < 0) return 0;
    const words = input.slice(0, lineEnd).split(" ");
    const [verb = "", key = ""] = words;
    const valueBytes = verb === "set" ? Number(words[4]) : verb === "ms" ? Number(words[2]) : -1;
    const end = valueBytes < 0 ? lineEnd + 2 : lineEnd + 2 + valueBytes + 2;
    if (input.length < end) return 0;
    this.requestCount++;
    if (words.includes("noreply") || words.includes("q")) throw new Error(`Quiet upstream: ${words.join(" ")}`);
    const value = input.slice(lineEnd + 2, end - 2);
    reply(verb === "get" ? this.#answerGet(words.slice(1)) : this.#answer(verb, key, value));
    return end;
  }

  /** The values that there are, in the order of the keys. */
  #answerGet(keys: readonly string[]): string {
    const values = keys.map((key) => {
      const stored = this.store.get(key);
      return stored === undefined ? "" : `VALUE ${key} 0 ${stored.length}\r\n${stored}\r\n`;
    });
    return `${values.join("")}END\r\n`;
  }

  #answer(verb: string, key: string, value: string): string {
    const stored = this.store.get(key);
    switch (verb) {
      case "mg":
        return stored === undefined ? "EN\r\n" : `VA ${stored.length} f0\r\n${stored}\r\n`;
      case "set":
        this.store.set(key, value);
        return "STORED\r\n";
      case "ms":
        this.store.set(key, value);
        return "HD\r\n";
      case "delete":
        return this.store.delete(key) ? "DELETED\r\n" : "NOT_FOUND\r\n";
      case "md":
        return this.store.delete(key) ? "HD\r\n" : "NF\r\n";
      default:
        return "ERROR\r\n";
    }
  }
}
