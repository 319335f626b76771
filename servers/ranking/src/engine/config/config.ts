import { bytesOfText } from "../acl/index.ts";
import { matchesGlob } from "../glob.ts";
import { quotedText } from "../quoted-text.ts";
import type { Parameter } from "./parameter.ts";
import { PARAMETERS } from "./parameters.ts";

/** Puts a new value into force. Returns what is wrong, and then has changed nothing; or `undefined`. */
export type Applier = (value: string) => string | undefined;

interface Change {
  readonly parameter: Parameter;
  readonly before: string;
  readonly after: string;
  readonly applied: string;
}

/**
 * The parameters of the server and who puts them into force. All values are texts as CONFIG GET shows them. Parts of the
 * engine and the shell register an applier each for what is theirs; a parameter without one only remembers its value.
 */
export class Config {
  readonly #byName = new Map<string, Parameter>();
  readonly #values = new Map<string, string>();
  readonly #appliers = new Map<string, Applier>();

  constructor() {
    for (const parameter of PARAMETERS) {
      this.#byName.set(parameter.name, parameter);
      if (parameter.alias !== undefined) this.#byName.set(parameter.alias, parameter);
      this.#values.set(parameter.name, parameter.initial);
    }
  }

  /** @throws RangeError if there is no such parameter. */
  get(name: string): string {
    const parameter = this.#byName.get(name);
    const value = parameter && this.#values.get(parameter.name);
    if (value === undefined) throw new RangeError(`There is no parameter "${name}"`);
    return value;
  }

  /** A value that is a number; rounded beyond 2^53. */
  number(name: string): number {
    return Number(this.get(name));
  }

  isYes(name: string): boolean {
    return this.get(name) === "yes";
  }

  /** Registers who puts a parameter into force, at once with its present value. Parameters have one applier each. */
  onChange(name: string, applier: Applier): void {
    this.get(name);
    if (this.#appliers.has(name)) throw new RangeError(`The parameter "${name}" has an applier already`);
    this.#appliers.set(name, applier);
    const fault = applier(this.get(name));
    if (fault !== undefined) throw new RangeError(`The parameter "${name}" cannot be "${this.get(name)}": ${fault}`);
  }

  /**
   * CONFIG GET: names, older ones too, and values of what the patterns match. A pattern without signs is a name, and comes
   * back as it was given. Byte text.
   */
  find(patterns: readonly string[]): ReadonlyMap<string, string> {
    const found = new Map<string, string>();
    for (const pattern of patterns) {
      if (/[*?[\]]/.test(pattern)) this.#findGlob(bytesOfText(pattern), found);
      else {
        const parameter = this.#byName.get(pattern.toLowerCase());
        if (parameter !== undefined) found.set(pattern, this.get(parameter.name));
      }
    }
    return found;
  }

  #findGlob(glob: Uint8Array, found: Map<string, string>): void {
    for (const [name, parameter] of this.#byName) {
      const bytes = bytesOfText(name);
      if (matchesGlob(glob, 0, glob.length, bytes, 0, bytes.length, true)) found.set(name, this.get(parameter.name));
    }
  }

  /** Whether the parameter holds a secret. */
  isSecret(name: string): boolean {
    return this.#byName.get(name.toLowerCase())?.isSecret === true;
  }

  /**
   * CONFIG SET: all or none.
   *
   * @param allowsProtected Whether paths may be set: `enable-protected-configs`.
   * @returns The error reply without its `-`, or `undefined`.
   */
  set(pairs: readonly (readonly [string, string])[], allowsProtected: boolean): string | undefined {
    // As in Redis an older name and the present one are no duplicates.
    const seen = new Set<string>();
    for (const [given] of pairs) {
      const parameter = this.#byName.get(given.toLowerCase());
      if (parameter === undefined) return `ERR Unknown option or number of arguments for CONFIG SET - '${given}'`;
      if (parameter.isImmutable) return failure(given, "can't set immutable config");
      if (parameter.isProtected && !allowsProtected) return failure(given, "can't set protected config");
      if (seen.has(given.toLowerCase())) return failure(given, "duplicate parameter");
      seen.add(given.toLowerCase());
    }
    return this.#setAll(pairs);
  }

  /** As {@link set} at the start of the server: immutable and protected parameters too. */
  load(pairs: readonly (readonly [string, string])[]): string | undefined {
    for (const [given] of pairs) {
      if (!this.#byName.has(given.toLowerCase())) return `Unknown parameter '${given}'`;
    }
    return this.#setAll(pairs);
  }

  #setAll(pairs: readonly (readonly [string, string])[]): string | undefined {
    const changes: Change[] = [];
    for (const [given, text] of pairs) {
      const parameter = this.#byName.get(given.toLowerCase())!;
      const before = this.get(parameter.name);
      const parsed = parameter.parse(text, before);
      if ("error" in parsed) return failure(given.toLowerCase(), parsed.error);
      changes.push({ parameter, before, after: parsed.value, applied: parsed.applied ?? parsed.value });
    }
    for (const [i, { parameter, after, applied }] of changes.entries()) {
      const fault = this.#apply(parameter, after, applied);
      if (fault === undefined) continue;
      for (const change of changes.slice(0, i).reverse()) this.#apply(change.parameter, change.before);
      return failure(pairs[i]![0].toLowerCase(), fault);
    }
    return undefined;
  }

  #apply({ name }: Parameter, value: string, applied = value): string | undefined {
    const fault = this.#appliers.get(name)?.(applied);
    if (fault === undefined) this.#values.set(name, value);
    return fault;
  }

  /** The lines of a configuration file: what is not as it is by default. */
  lines(): string[] {
    const changed = PARAMETERS.filter(({ name, initial }) => this.get(name) !== initial);
    return changed.map(({ name }) => {
      const bytes = bytesOfText(this.get(name));
      return `${name} ${quotedText(bytes, 0, bytes.length)}`;
    });
  }
}

function failure(name: string, reason: string): string {
  return `ERR CONFIG SET failed (possibly related to argument '${name}') - ${reason}`;
}
