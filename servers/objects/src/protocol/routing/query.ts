import { S3Error } from "../errors.ts";
import { decodePercent } from "./percent.ts";

/** More parameters than this are refused: no operation of S3 takes as many. */
export const MAX_QUERY_PARAMETERS = 100;

/** The decoded parameters of a query string, in the order they were sent. Of a name given twice the first value counts. */
export class Query {
  readonly names: readonly string[];
  readonly values: readonly string[];

  constructor(names: readonly string[], values: readonly string[]) {
    this.names = names;
    this.values = values;
  }

  /** The value of a parameter; empty if it stands without `=`, undefined if it is absent. */
  get(name: string): string | undefined {
    const index = this.names.indexOf(name);
    return index < 0 ? undefined : this.values[index];
  }

  has(name: string): boolean {
    return this.names.includes(name);
  }
}

/** The query of a request that has none. */
export const NO_QUERY = new Query([], []);

/**
 * Splits and decodes a raw query string (without `?`, one byte a character). `+` is a space.
 *
 * @throws S3Error InvalidURI if a part is not decodable, InvalidRequest beyond {@link MAX_QUERY_PARAMETERS}.
 */
export function parseQuery(raw: string): Query {
  if (raw === "") return NO_QUERY;
  const names: string[] = [];
  const values: string[] = [];
  let start = 0;
  while (start <= raw.length) {
    let end = raw.indexOf("&", start);
    if (end < 0) end = raw.length;
    if (end > start) {
      if (names.length === MAX_QUERY_PARAMETERS) {
        throw new S3Error("InvalidRequest", {
          message: `A query string has at most ${MAX_QUERY_PARAMETERS} parameters`,
        });
      }
      const equals = raw.indexOf("=", start);
      const hasValue = equals >= 0 && equals < end;
      names.push(decodePercent(raw.slice(start, hasValue ? equals : end), true));
      values.push(hasValue ? decodePercent(raw.slice(equals + 1, end), true) : "");
    }
    start = end + 1;
  }
  return new Query(names, values);
}
