/** Hosts remembered; beyond it the table is emptied, so that invented hosts cannot fill the memory. */
const MAX_REMEMBERED = 1_000;

/**
 * Tells which bucket a Host header names. With the base domain `s3.example.com`, `media.s3.example.com` is the bucket
 * `media` (virtual-host style); the base domain itself, an address, and every other host mean path style.
 */
export class HostTable {
  readonly #suffixes: readonly string[];
  readonly #remembered = new Map<string, string>();

  /** @param baseDomains Without port, e.g. `s3.example.com`. None: every request is path style. */
  constructor(baseDomains: readonly string[]) {
    // The longest first: of `example.com` and `s3.example.com` the more precise one decides.
    this.#suffixes = baseDomains.map((domain) => `.${domain.toLowerCase()}`).sort((a, b) => b.length - a.length);
  }

  /** The bucket that the host names; empty for path style. Not checked to be a bucket name. */
  bucketOf(host: string): string {
    if (this.#suffixes.length === 0) return "";
    const known = this.#remembered.get(host);
    if (known !== undefined) return known;
    const bucket = this.#parse(host);
    if (this.#remembered.size >= MAX_REMEMBERED) this.#remembered.clear();
    this.#remembered.set(host, bucket);
    return bucket;
  }

  #parse(host: string): string {
    const name = host.toLowerCase().replace(/:\d*$/, "").replace(/\.$/, "");
    for (const suffix of this.#suffixes) {
      if (name === suffix.slice(1)) return "";
      if (name.endsWith(suffix)) return name.slice(0, -suffix.length);
    }
    return "";
  }
}
