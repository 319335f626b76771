/** One argument of a command as `COMMAND DOCS` describes it. */
export interface ArgumentFacts {
  readonly name: string;
  readonly type: "string" | "integer" | "double" | "key" | "pattern" | "unix-time" | "pure-token" | "oneof" | "block";
  /** The word that comes before the argument, or that is the argument. */
  readonly token?: string;
  /** Which key specification finds this key; counted from 0. */
  readonly keySpecIndex?: number;
  readonly isOptional: boolean;
  readonly isMultiple: boolean;
  /** The token is said again before each repetition. */
  readonly isTokenMultiple: boolean;
  readonly since?: string;
  readonly deprecatedSince?: string;
  readonly arguments: readonly ArgumentFacts[];
}

type ArgumentType = ArgumentFacts["type"];

const PLAIN_TYPES: ReadonlySet<string> = new Set(["string", "integer", "double", "key", "pattern", "unix-time"]);
const NAME = /'([^']+)'|[\w/-]+/y;
const TYPE = /:([a-z-]+)/y;
const TOKEN = /=(?:'([^']*)'|([\w-]+))/y;
const KEY_SPEC = /#(\d+)/y;
const OPTIONAL = /\?/y;
const MULTIPLE = /\*\*?/y;
const SINCE = /@([\d.]+)/y;
const DEPRECATED = /<([\d.]+)/y;

/**
 * Reads the notation in which the fact tables write arguments. Each is a name, in quotes if it has
 * a colon, then what holds for it, in this order:
 *
 *     :integer        its type; `{a b}` is a block, `(a | b)` one of several; neither is a bare token
 *     =WEIGHTS  ='*'  the token before it
 *     #0              the key specification that finds it
 *     ?  *  **        optional; repeated; repeated with its token
 *     @6.2.0  <7.0.0  since; deprecated since
 *
 * @throws RangeError with the position of what is no such text.
 */
export function parseArguments(text: string): ArgumentFacts[] {
  return new Reader(text).list(" ", "");
}

class Reader {
  readonly #text: string;
  #at = 0;

  constructor(text: string) {
    this.#text = text;
  }

  /** Reads arguments up to the closing sign, which is passed over. */
  list(separator: string, close: string): ArgumentFacts[] {
    const facts = [this.#argument()];
    while (this.#text.startsWith(separator, this.#at) && !this.#isAtEnd()) {
      this.#at += separator.length;
      facts.push(this.#argument());
    }
    if (close === "" ? !this.#isAtEnd() : !this.#text.startsWith(close, this.#at)) this.#refuse();
    this.#at += close.length;
    return facts;
  }

  #argument(): ArgumentFacts {
    const match = this.#take(NAME) ?? this.#refuse();
    const name = match[1] ?? match[0];
    const [type, children] = this.#typeAndChildren();
    const token = this.#take(TOKEN);
    if (type === "pure-token" && token === undefined) this.#refuse();
    const keySpec = this.#take(KEY_SPEC)?.[1];
    const isOptional = this.#take(OPTIONAL) !== undefined;
    const multiple = this.#take(MULTIPLE)?.[0];
    const since = this.#take(SINCE)?.[1];
    const deprecatedSince = this.#take(DEPRECATED)?.[1];
    return {
      name,
      type,
      ...(token === undefined ? {} : { token: token[1] ?? token[2] ?? "" }),
      ...(keySpec === undefined ? {} : { keySpecIndex: Number(keySpec) }),
      isOptional,
      isMultiple: multiple !== undefined,
      isTokenMultiple: multiple === "**",
      ...(since === undefined ? {} : { since }),
      ...(deprecatedSince === undefined ? {} : { deprecatedSince }),
      arguments: children,
    };
  }

  #typeAndChildren(): [ArgumentType, ArgumentFacts[]] {
    const sign = this.#text[this.#at];
    if (sign === "(" || sign === "{") {
      this.#at += 1;
      return sign === "(" ? ["oneof", this.list(" | ", ")")] : ["block", this.list(" ", "}")];
    }
    const type = this.#take(TYPE)?.[1];
    if (type === undefined) return ["pure-token", []];
    if (!PLAIN_TYPES.has(type)) this.#refuse();
    return [type as ArgumentType, []];
  }

  #take(pattern: RegExp): RegExpExecArray | undefined {
    pattern.lastIndex = this.#at;
    const match = pattern.exec(this.#text);
    if (match === null) return undefined;
    this.#at += match[0].length;
    return match;
  }

  #isAtEnd(): boolean {
    return this.#at >= this.#text.length;
  }

  #refuse(): never {
    throw new RangeError(`Cannot read the arguments "${this.#text}" at position ${this.#at}: mend the fact table`);
  }
}
