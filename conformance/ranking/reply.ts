/** A parsed RESP2 or RESP3 reply. Strings are latin1, one character a byte, so that nothing is lost. */
export type Reply =
  | { readonly kind: "simple" | "error" | "bulk" | "bulk-error"; readonly text: string }
  | { readonly kind: "verbatim"; readonly format: string; readonly text: string }
  | { readonly kind: "integer" | "big-number" | "double"; readonly text: string }
  | { readonly kind: "boolean"; readonly value: boolean }
  /** `wire` tells RESP2's null string and null array from RESP3's null. */
  | { readonly kind: "null"; readonly wire: "$" | "*" | "_" }
  | { readonly kind: "array" | "set" | "push" | "map" | "attribute"; readonly items: readonly Reply[] };

/** Thrown when bytes are no RESP; says where. */
class ReplyFormatError extends Error {
  override readonly name = "ReplyFormatError";
}

const DEPTH_LIMIT = 64;

/**
 * Finds the end of the reply that begins at `start`, without building it: a map counts its keys and its values.
 *
 * @returns `undefined` if more bytes are needed.
 * @throws ReplyFormatError
 * @see https://redis.io/docs/reference/protocol-spec
 */
export function endOfReply(bytes: Buffer, start: number): number | undefined {
  let at = start;
  // An attribute stands before the reply that it describes, so it is one more thing to read.
  for (let pending = 1; pending > 0; pending--) {
    const lineEnd = bytes.indexOf("\r\n", at, "latin1");
    if (lineEnd < 0) return undefined;
    const sign = String.fromCharCode(bytes[at] ?? 0);
    const number = Number(bytes.toString("latin1", at + 1, lineEnd));
    at = lineEnd + 2;
    if ("$=!".includes(sign)) {
      if (!Number.isSafeInteger(number)) throw broken(bytes, at);
      if (number >= 0) at += number + 2;
      if (at > bytes.length) return undefined;
    } else if ("*~>%|".includes(sign)) {
      if (!Number.isSafeInteger(number)) throw broken(bytes, at);
      if (number > 0) pending += sign === "%" || sign === "|" ? number * 2 : number;
      if (sign === "|") pending += 1;
    } else if (!"+-:_#,(".includes(sign)) {
      throw broken(bytes, lineEnd);
    }
  }
  return at;
}

/** Parses one whole reply, as `endOfReply` finds it. An attribute holds its map and then the reply it stands before. */
export function parseReply(bytes: Buffer): Reply {
  const parser = new Parser(bytes);
  return parser.next(0);
}

class Parser {
  readonly #bytes: Buffer;
  #at = 0;

  constructor(bytes: Buffer) {
    this.#bytes = bytes;
  }

  next(depth: number): Reply {
    const lineEnd = this.#bytes.indexOf("\r\n", this.#at, "latin1");
    if (lineEnd < 0 || depth > DEPTH_LIMIT) throw broken(this.#bytes, this.#at);
    const sign = String.fromCharCode(this.#bytes[this.#at] ?? 0);
    const text = this.#bytes.toString("latin1", this.#at + 1, lineEnd);
    this.#at = lineEnd + 2;
    switch (sign) {
      case "+":
        return { kind: "simple", text };
      case "-":
        return { kind: "error", text };
      case ":":
        return { kind: "integer", text };
      case ",":
        return { kind: "double", text };
      case "(":
        return { kind: "big-number", text };
      case "#":
        return { kind: "boolean", value: text === "t" };
      case "_":
        return { kind: "null", wire: "_" };
      case "$":
        return text === "-1" ? { kind: "null", wire: "$" } : { kind: "bulk", text: this.#body(Number(text)) };
      case "!":
        return { kind: "bulk-error", text: this.#body(Number(text)) };
      case "=":
        return this.#verbatim(Number(text));
      case "*":
        return text === "-1" ? { kind: "null", wire: "*" } : this.#list("array", Number(text), depth);
      case "~":
        return this.#list("set", Number(text), depth);
      case ">":
        return this.#list("push", Number(text), depth);
      case "%":
        return this.#list("map", Number(text) * 2, depth);
      case "|":
        return this.#list("attribute", Number(text) * 2 + 1, depth);
      default:
        throw broken(this.#bytes, this.#at);
    }
  }

  #body(sizeBytes: number): string {
    const text = this.#bytes.toString("latin1", this.#at, this.#at + sizeBytes);
    this.#at += sizeBytes + 2;
    return text;
  }

  #verbatim(sizeBytes: number): Reply {
    const body = this.#body(sizeBytes);
    return { kind: "verbatim", format: body.slice(0, 3), text: body.slice(4) };
  }

  #list(kind: "array" | "set" | "push" | "map" | "attribute", count: number, depth: number): Reply {
    const items: Reply[] = [];
    for (let i = 0; i < count; i++) items.push(this.next(depth + 1));
    return { kind, items };
  }
}

/** The strings of a list reply; a null is `undefined`, numbers are their digits, lists inside are refused. */
export function textsOf(reply: Reply): (string | undefined)[] {
  if (!("items" in reply)) throw new ReplyFormatError(`Expected a list, not ${JSON.stringify(reply)}`);
  return reply.items.map((item) => {
    if (item.kind === "null") return undefined;
    if ("text" in item) return item.text;
    throw new ReplyFormatError(`Expected a string, not ${JSON.stringify(item)}`);
  });
}

function broken(bytes: Buffer, at: number): ReplyFormatError {
  const around = bytes.toString("latin1", Math.max(0, at - 60), at + 60);
  return new ReplyFormatError(`Not RESP near byte ${at}: ${JSON.stringify(around)}`);
}
