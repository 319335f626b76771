import { once } from "node:events";
import { connect, type Socket } from "node:net";
import type { AclReply } from "@kagami/ranking/acl";

/** Needs more bytes. */
const MORE = Symbol("more");

/**
 * A connection to Redis that speaks bytes as latin1 and gives replies as the ACL engine does: strings, numbers, arrays,
 * `{map}`, `{set}`, `{double}`, `{simple}`, `{error}`. A push (`>`) is an array.
 */
export class AclWire {
  readonly #socket: Socket;
  #text = "";
  #waiting: (() => void) | undefined;
  #isClosed = false;

  private constructor(socket: Socket) {
    this.#socket = socket;
    socket.setEncoding("latin1");
    socket.on("data", (piece: string) => {
      this.#text += piece;
      this.#waiting?.();
    });
    socket.on("error", () => undefined); // told by "close"
    socket.on("close", () => {
      this.#isClosed = true;
      this.#waiting?.();
    });
  }

  static async open(port: number): Promise<AclWire> {
    const socket = connect(port, "127.0.0.1");
    await once(socket, "connect");
    return new AclWire(socket);
  }

  get isClosed(): boolean {
    return this.#isClosed;
  }

  /** Sends all commands at once and gives as many replies. */
  async ask(commands: readonly (readonly string[])[]): Promise<AclReply[]> {
    const encoded = commands.map((words) => `*${words.length}\r\n${words.map(bulk).join("")}`);
    this.#socket.write(encoded.join(""), "latin1");
    const replies: AclReply[] = [];
    while (replies.length < commands.length) replies.push(await this.#next());
    return replies;
  }

  async askOne(...words: readonly string[]): Promise<AclReply> {
    return (await this.ask([words]))[0]!;
  }

  close(): void {
    this.#socket.destroy();
  }

  async #next(): Promise<AclReply> {
    while (true) {
      const reader = { text: this.#text, at: 0 };
      const reply = read(reader);
      if (reply !== MORE) {
        this.#text = this.#text.slice(reader.at);
        return reply;
      }
      if (this.#isClosed) throw new Error("The server closed the connection");
      await new Promise<void>((resolve) => {
        this.#waiting = resolve;
      });
    }
  }
}

function bulk(word: string): string {
  return `$${word.length}\r\n${word}\r\n`;
}

function read(reader: { text: string; at: number }): AclReply | typeof MORE {
  const end = reader.text.indexOf("\r\n", reader.at);
  if (end < 0) return MORE;
  const kind = reader.text.charAt(reader.at);
  const line = reader.text.slice(reader.at + 1, end);
  reader.at = end + 2;
  const count = Number(line);
  switch (kind) {
    case "+":
      return { simple: line };
    case "-":
      return { error: line };
    case ":":
      return count;
    case "_":
      return null;
    case ",":
      return { double: count };
    case "=":
    case "$": {
      if (count < 0) return null;
      if (reader.text.length < reader.at + count + 2) return MORE;
      const text = reader.text.slice(reader.at, reader.at + count);
      reader.at += count + 2;
      return kind === "=" ? text.slice(4) : text; // "txt:" comes first
    }
    case "*":
    case ">":
      return count < 0 ? null : readMany(reader, count);
    case "~": {
      const items = readMany(reader, count);
      return items === MORE ? MORE : { set: items as string[] };
    }
    case "%": {
      const items = readMany(reader, 2 * count);
      if (items === MORE) return MORE;
      return { map: Array.from({ length: count }, (_, i) => [items[2 * i] as string, items[2 * i + 1]!] as const) };
    }
    default:
      throw new Error(`No reply begins with ${JSON.stringify(kind)}`);
  }
}

function readMany(reader: { text: string; at: number }, count: number): AclReply[] | typeof MORE {
  const items: AclReply[] = [];
  while (items.length < count) {
    const item = read(reader);
    if (item === MORE) return MORE;
    items.push(item);
  }
  return items;
}
