import type { JsonSettings } from "./json-library.ts";
import type { LuaMachine } from "./lua-machine.ts";

/** The kinds of tokens, named as in cjson's error texts. */
type Kind =
  | "T_OBJ_BEGIN"
  | "T_OBJ_END"
  | "T_ARR_BEGIN"
  | "T_ARR_END"
  | "T_STRING"
  | "T_NUMBER"
  | "T_BOOLEAN"
  | "T_NULL"
  | "T_COLON"
  | "T_COMMA"
  | "T_END"
  | "T_ERROR";

const SINGLE: Readonly<Record<string, Kind>> = {
  "{": "T_OBJ_BEGIN",
  "}": "T_OBJ_END",
  "[": "T_ARR_BEGIN",
  "]": "T_ARR_END",
  ":": "T_COLON",
  ",": "T_COMMA",
};
const ESCAPED: Readonly<Record<string, string>> = {
  '"': '"',
  "\\": "\\",
  "/": "/",
  b: "\b",
  t: "\t",
  n: "\n",
  f: "\f",
  r: "\r",
};
const NUMBER =
  /[-+]?(?:0x(?:[0-9a-f]+\.?[0-9a-f]*|\.[0-9a-f]+)(?:p[-+]?\d+)?|inf(?:inity)?|nan|(?:\d+\.?\d*|\.\d+)(?:e[-+]?\d+)?)/iy;

/** Reads one JSON text into Lua values, with cjson's leniencies and its error texts. Characters are bytes. */
export class JsonDecoder {
  readonly #machine: LuaMachine;
  readonly #L: number;
  readonly #settings: JsonSettings;
  readonly #text: string;
  #at = 0;
  #depth = 0;
  // The current token.
  #kind: Kind = "T_END";
  #index = 0;
  #string = "";
  #number = 0;
  #isTrue = false;

  constructor(machine: LuaMachine, L: number, settings: JsonSettings, text: string) {
    this.#machine = machine;
    this.#L = L;
    this.#settings = settings;
    this.#text = text;
  }

  /** Pushes the value. */
  decode(): void {
    this.#next();
    this.#value();
    this.#next();
    if (this.#kind !== "T_END") this.#unexpected("the end");
  }

  #unexpected(wanted: string): never {
    const found = this.#kind === "T_ERROR" ? this.#string : this.#kind;
    const message = `Expected ${wanted} but found ${found} at character ${this.#index + 1}`;
    return this.#machine.raiseText(this.#L, message);
  }

  #fail(reason: string): void {
    this.#kind = "T_ERROR";
    this.#index = this.#at;
    this.#string = reason;
  }

  #next(): void {
    const text = this.#text;
    let character = text[this.#at];
    while (character === " " || character === "\t" || character === "\n" || character === "\r") {
      character = text[++this.#at];
    }
    this.#index = this.#at;
    if (character === undefined || character === "\0") {
      this.#kind = "T_END";
      return;
    }
    const single = SINGLE[character];
    if (single !== undefined) {
      this.#kind = single;
      this.#at++;
    } else if (character === '"') this.#readString();
    else this.#readWord(character);
  }

  #readWord(character: string): void {
    const isNumeric = character === "-" || (character >= "0" && character <= "9");
    if (isNumeric) {
      if (!this.#settings.decodeInvalidNumbers && this.#isInvalidNumber()) this.#fail("invalid number");
      else this.#readNumber();
    } else if (this.#text.startsWith("true", this.#at)) this.#word("T_BOOLEAN", 4, true);
    else if (this.#text.startsWith("false", this.#at)) this.#word("T_BOOLEAN", 5, false);
    else if (this.#text.startsWith("null", this.#at)) this.#word("T_NULL", 4, false);
    else if (/[fiInNt+]/.test(character) && this.#settings.decodeInvalidNumbers && this.#isInvalidNumber()) {
      this.#readNumber();
    } else this.#fail("invalid token");
  }

  #word(kind: Kind, length: number, isTrue: boolean): void {
    this.#kind = kind;
    this.#isTrue = isTrue;
    this.#at += length;
  }

  #isInvalidNumber(): boolean {
    let at = this.#at;
    if (this.#text[at] === "+") return true;
    if (this.#text[at] === "-") at++;
    const first = this.#text[at] ?? "\0";
    if (first === "0") return /[xX0-9]/.test(this.#text[at + 1] ?? "");
    if (first <= "9") return false;
    return /^(?:inf|nan)/i.test(this.#text.slice(at, at + 3));
  }

  #readNumber(): void {
    NUMBER.lastIndex = this.#at;
    const match = NUMBER.exec(this.#text)?.[0];
    if (match === undefined) {
      this.#fail("invalid number");
      return;
    }
    this.#kind = "T_NUMBER";
    this.#number = numberOf(match.toLowerCase());
    this.#at += match.length;
  }

  #readString(): void {
    const text = this.#text;
    let string = "";
    let from = ++this.#at;
    for (;;) {
      const character = text[this.#at];
      if (character === undefined || character === "\0") {
        this.#fail("unexpected end of string");
        return;
      }
      if (character === '"') break;
      if (character !== "\\") {
        this.#at++;
        continue;
      }
      string += text.slice(from, this.#at);
      const letter = text[this.#at + 1] ?? "";
      const plain = letter === "u" ? this.#unicode() : ESCAPED[letter];
      if (plain === undefined) {
        this.#fail(letter === "u" ? "invalid unicode escape code" : "invalid escape code");
        return;
      }
      string += plain;
      if (letter !== "u") this.#at += 2;
      from = this.#at;
    }
    this.#string = string + text.slice(from, this.#at++);
    this.#kind = "T_STRING";
  }

  /** The UTF-8 of the escape here, which it passes; `undefined` if it is none. */
  #unicode(): string | undefined {
    let code = this.#hex(this.#at + 2);
    let length = 6;
    if (code === undefined) return undefined;
    if ((code & 0xf800) === 0xd800) {
      if ((code & 0x400) !== 0 || !this.#text.startsWith("\\u", this.#at + 6)) return undefined;
      const low = this.#hex(this.#at + 8);
      if (low === undefined || (low & 0xfc00) !== 0xdc00) return undefined;
      code = (((code & 0x3ff) << 10) | (low & 0x3ff)) + 0x10000;
      length = 12;
    }
    this.#at += length;
    return Buffer.from(String.fromCodePoint(code), "utf8").toString("latin1");
  }

  #hex(at: number): number | undefined {
    const digits = this.#text.slice(at, at + 4);
    return /^[0-9a-fA-F]{4}$/.test(digits) ? Number.parseInt(digits, 16) : undefined;
  }

  #value(): void {
    const { api } = this.#machine;
    const L = this.#L;
    switch (this.#kind) {
      case "T_STRING":
        this.#machine.pushText(L, this.#string);
        break;
      case "T_NUMBER":
        api.lua_pushnumber(L, this.#number);
        break;
      case "T_BOOLEAN":
        api.lua_pushboolean(L, this.#isTrue ? 1 : 0);
        break;
      case "T_NULL":
        api.lua_pushlightuserdata(L, 0);
        break;
      case "T_OBJ_BEGIN":
        this.#object();
        break;
      case "T_ARR_BEGIN":
        this.#array();
        break;
      default:
        this.#unexpected("value");
    }
  }

  #descend(slots: number): void {
    this.#depth++;
    const { api } = this.#machine;
    if (this.#depth <= this.#settings.decodeMaxDepth && api.lua_checkstack(this.#L, slots) !== 0) return;
    const message = `Found too many nested data structures (${this.#depth}) at character ${this.#at}`;
    this.#machine.raiseText(this.#L, message);
  }

  #object(): void {
    const { api } = this.#machine;
    this.#descend(3);
    api.lua_createtable(this.#L, 0, 0);
    this.#next();
    while (this.#kind !== "T_OBJ_END") {
      if (this.#kind !== "T_STRING") this.#unexpected("object key string");
      this.#machine.pushText(this.#L, this.#string);
      this.#next();
      if (!this.#isKind("T_COLON")) this.#unexpected("colon");
      this.#next();
      this.#value();
      api.lua_rawset(this.#L, -3);
      this.#next();
      if (this.#isKind("T_OBJ_END")) break;
      if (!this.#isKind("T_COMMA")) this.#unexpected("comma or object end");
      this.#next();
      if (this.#isKind("T_OBJ_END")) this.#unexpected("object key string");
    }
    this.#depth--;
  }

  #array(): void {
    const { api } = this.#machine;
    this.#descend(2);
    api.lua_createtable(this.#L, 0, 0);
    this.#next();
    for (let i = 1; i > 1 || this.#kind !== "T_ARR_END"; i++) {
      this.#value();
      api.lua_rawseti(this.#L, -2, i);
      this.#next();
      if (this.#isKind("T_ARR_END")) break;
      if (!this.#isKind("T_COMMA")) this.#unexpected("comma or array end");
      this.#next();
    }
    this.#depth--;
  }

  /** A call, because the compiler does not see that reading a token changes it. */
  #isKind(kind: Kind): boolean {
    return this.#kind === kind;
  }
}

/** C's `strtod` of a whole number in lower case. */
function numberOf(text: string): number {
  const isNegative = text.startsWith("-");
  const size = text.replace(/^[-+]/, "");
  let value: number;
  if (size.startsWith("inf")) value = Number.POSITIVE_INFINITY;
  else if (size === "nan") value = Number.NaN;
  else if (size.startsWith("0x")) {
    const [mantissa = "", power = "0"] = size.slice(2).split("p");
    const [whole = "", fraction = ""] = mantissa.split(".");
    value = Number(BigInt(`0x${whole}${fraction}`)) * 2 ** (Number(power) - 4 * fraction.length);
  } else value = Number(size);
  return isNegative ? -value : value;
}
