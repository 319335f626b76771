import { CommandId, Dialect, ParseOutcome } from "../src/protocol/codes.ts";
import { RequestParser } from "../src/protocol/request-parser.ts";

/** The value every key has. Its length depends on the key as well, so that a value out of place is also cut wrongly. */
export function valueOfKey(key: string): string {
  return `<${key}>${"=".repeat(key.length % 7)}`;
}

/** Whether a read of the key finds nothing. */
export function isMissing(key: string): boolean {
  return key.endsWith("~");
}

/**
 * Answers every request in full, as if every key but those that are {@link isMissing} held {@link valueOfKey} it. It insists on what a proxy must keep: no request
 * is quiet, cut or one that memcached would refuse.
 */
export class HonestServer {
  readonly #parser = new RequestParser({ maxValueBytes: 1 << 20, maxLineBytes: 65_536 });
  #input: Buffer = Buffer.alloc(0);

  /** Takes some bytes; returns the replies to the requests that are whole. */
  answer(bytes: Uint8Array): Uint8Array {
    this.#input = Buffer.concat([this.#input, bytes]);
    let replies = "";
    let start = 0;
    while (start < this.#input.length) {
      const outcome = this.#parser.parse(this.#input, start, this.#input.length);
      if (outcome === ParseOutcome.MORE) break;
      const text = this.#input.toString("latin1", start, Math.min(this.#input.length, start + 200));
      if (outcome !== ParseOutcome.WHOLE) throw new Error(`A server was sent what it refuses: ${JSON.stringify(text)}`);
      const isSplit = this.#parser.isMultiKey && this.#parser.command > CommandId.GETS;
      if (this.#parser.isQuiet || isSplit) throw new Error(`Not for a server: ${JSON.stringify(text)}`);
      replies += this.#reply();
      start = this.#parser.requestEnd;
    }
    this.#input = this.#input.subarray(start);
    return Buffer.from(replies, "latin1");
  }

  #reply(): string {
    const { command, dialect, keyBytes, keyStart, keyEnd } = this.#parser;
    const key = Buffer.from(keyBytes.subarray(keyStart, keyEnd)).toString("latin1");
    const value = command === CommandId.MA ? "1" : valueOfKey(key);
    if (dialect === Dialect.META) return this.#metaReply(key, value);
    switch (command) {
      case CommandId.GET:
        return this.#values("");
      case CommandId.GETS:
        return this.#values(" 1");
      case CommandId.GAT:
        return `VALUE ${key} 0 ${value.length}\r\n${value}\r\nEND\r\n`;
      case CommandId.GATS:
        return `VALUE ${key} 0 ${value.length} 1\r\n${value}\r\nEND\r\n`;
      case CommandId.DELETE:
        return "DELETED\r\n";
      case CommandId.TOUCH:
        return "TOUCHED\r\n";
      case CommandId.INCR:
      case CommandId.DECR:
        return "1\r\n";
      case CommandId.FLUSH_ALL:
        return "OK\r\n";
      case CommandId.STATS:
        return `STAT a 1\r\nEND\r\n`;
      case CommandId.VERSION:
        return "VERSION 1\r\n";
      default:
        return "STORED\r\n";
    }
  }

  /** The values of all keys of a get, each of which may be in it once. */
  #values(cas: string): string {
    const parser = this.#parser;
    const keys = new Set<string>();
    let reply = "";
    do {
      const key = Buffer.from(parser.keyBytes.subarray(parser.keyStart, parser.keyEnd)).toString("latin1");
      if (keys.has(key)) throw new Error(`A server was asked twice for ${key} in one get`);
      keys.add(key);
      if (isMissing(key)) continue;
      const value = valueOfKey(key);
      reply += `VALUE ${key} 0 ${value.length}${cas}\r\n${value}\r\n`;
    } while (parser.nextKey());
    return `${reply}END\r\n`;
  }

  #metaReply(key: string, value: string): string {
    const { line, command } = this.#parser;
    const words: string[] = [];
    for (let i = command === CommandId.MS ? 3 : 2; i < Math.min(line.count, 24); i++) {
      words.push(this.#input.toString("latin1", line.starts[i], line.ends[i]));
    }
    const letters = words.map((word) => word.charAt(0));
    if (this.#parser.isBase64 && letters.includes("k") && /[\n\0 ]/.test(key)) throw new Error("A key that forges");
    const returned = words.flatMap((word) => {
      if (word.startsWith("O")) return [word];
      if (word.startsWith("k")) return [`k${key}`];
      return "fc".includes(word.charAt(0)) ? [`${word.charAt(0)}0`] : [];
    });
    if (command === CommandId.MN) return "MN\r\n";
    if (command === CommandId.ME) return `ME ${key} exp=-1\r\n`;
    if (command === CommandId.MG && isMissing(key)) return "EN\r\n";
    const isRead = command === CommandId.MG || command === CommandId.MA;
    if (!isRead || !letters.includes("v")) return `${["HD", ...returned].join(" ")}\r\n`;
    return `${["VA", value.length, ...returned].join(" ")}\r\n${value}\r\n`;
  }
}
