import { S3Error } from "./errors.ts";

/** The headers of a request as they were sent: in order, duplicates kept, names in lower case. */
export class HeaderFields {
  readonly names: readonly string[];
  readonly values: readonly string[];

  /** @param rawHeaders Name, value, name, value, …, one byte a character, as `node:http` gives them. */
  constructor(rawHeaders: readonly string[]) {
    const names: string[] = [];
    const values: string[] = [];
    for (let i = 0; i + 1 < rawHeaders.length; i += 2) {
      names.push((rawHeaders[i] as string).toLowerCase());
      values.push(rawHeaders[i + 1] as string);
    }
    this.names = names;
    this.values = values;
  }

  /** The first value of a header; undefined if it is absent. `name` in lower case. */
  get(name: string): string | undefined {
    const index = this.names.indexOf(name);
    return index < 0 ? undefined : this.values[index];
  }

  has(name: string): boolean {
    return this.names.includes(name);
  }

  /**
   * The value of a header that must not be sent twice, since its readers could disagree on which counts.
   *
   * @throws S3Error InvalidRequest
   */
  single(name: string): string | undefined {
    const index = this.names.indexOf(name);
    if (index < 0) return undefined;
    if (this.names.includes(name, index + 1)) {
      throw new S3Error("InvalidRequest", { message: `The header ${name} must not be given more than once` });
    }
    return this.values[index];
  }
}
