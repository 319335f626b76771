import { S3Error } from "../errors.ts";

/** A body has at most so many trailers … */
export const MAX_TRAILERS = 20;
/** … of so many bytes together. */
export const MAX_TRAILER_BYTES = 4_096;

/** Collects the lines behind the last chunk and says when they end. */
export class TrailerLines {
  readonly #declared: ReadonlySet<string>;
  readonly #isSigned: boolean;
  readonly #values = new Map<string, string>();
  #signature: string | undefined;

  /** @param declared Names of `x-amz-trailer`, in lower case. */
  constructor(declared: readonly string[], isSigned: boolean) {
    this.#declared = new Set(declared);
    this.#isSigned = isSigned;
  }

  /** The trailers by name, in the order in which they came. */
  get values(): ReadonlyMap<string, string> {
    return this.#values;
  }

  /** What stands behind `x-amz-trailer-signature`. */
  get signature(): string | undefined {
    return this.#signature;
  }

  /** What the signature covers. */
  get signedText(): string {
    let text = "";
    for (const [name, value] of this.#values) text += `${name}:${value}\n`;
    return text;
  }

  /**
   * Takes a line without its end. Returns whether it was the last: an empty one, but of signed trailers only behind the
   * signature, because the published form has an empty line before it.
   *
   * @throws S3Error MalformedTrailerError
   */
  take(line: string): boolean {
    if (line === "") return this.#takeEnd();
    const colon = line.indexOf(":");
    if (colon <= 0 || this.#signature !== undefined) throw new S3Error("MalformedTrailerError");
    const name = line.slice(0, colon).trim().toLowerCase();
    const value = line.slice(colon + 1).trim();
    if (this.#isSigned && name === "x-amz-trailer-signature") {
      this.#signature = value;
      return false;
    }
    if (!this.#declared.has(name) || this.#values.has(name) || this.#values.size === MAX_TRAILERS) {
      throw new S3Error("MalformedTrailerError", {
        message: `The trailer "${name}" was not declared in x-amz-trailer, or was sent twice`,
      });
    }
    this.#values.set(name, value);
    return false;
  }

  #takeEnd(): boolean {
    if (this.#isSigned && this.#signature === undefined) return false;
    for (const name of this.#declared) {
      if (!this.#values.has(name)) {
        throw new S3Error("MalformedTrailerError", {
          message: `The trailer "${name}" was declared in x-amz-trailer, but was not sent`,
        });
      }
    }
    return true;
  }
}

/** The names that a header `x-amz-trailer` declares, in lower case. @throws S3Error MalformedTrailerError */
export function parseTrailerNames(value: string | undefined): readonly string[] {
  if (value === undefined) return [];
  const names = value.split(",").map((name) => name.trim().toLowerCase());
  if (names.length > MAX_TRAILERS || names.includes("") || new Set(names).size !== names.length) {
    throw new S3Error("MalformedTrailerError");
  }
  return names;
}
