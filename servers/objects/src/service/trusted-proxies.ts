import { type IpRange, ipInRange, parseIpRange } from "../engine/policy/ip-range.ts";
import type { HeaderFields } from "../protocol/header-fields.ts";

/** Believes what a proxy says of its client only if the proxy is one of ours. */
export class TrustedProxies {
  readonly #ranges: readonly IpRange[];

  /** @throws RangeError for what is no network. */
  constructor(networks: readonly string[]) {
    this.#ranges = networks.map((network) => {
      const range = parseIpRange(network);
      if (!range) throw new RangeError(`Cannot trust proxies in "${network}": write a network like 10.0.0.0/8`);
      return range;
    });
  }

  /** Who asks: the last address of X-Forwarded-For that is no proxy of ours, else the peer. */
  clientAddress(peer: string, headers: HeaderFields): string {
    if (this.#ranges.length === 0 || !this.#isTrusted(peer)) return peer;
    const forwarded = headers.get("x-forwarded-for")?.split(",") ?? [];
    for (let i = forwarded.length - 1; i >= 0; i--) {
      const address = forwarded[i]?.trim() ?? "";
      if (address === "" || this.#isTrusted(address)) continue;
      return parseIpRange(address) ? address : peer;
    }
    return peer;
  }

  isSecure(peer: string, isTls: boolean, headers: HeaderFields): boolean {
    if (this.#ranges.length === 0 || !this.#isTrusted(peer)) return isTls;
    const proto = headers.get("x-forwarded-proto");
    return proto === undefined ? isTls : proto.toLowerCase() === "https";
  }

  #isTrusted(address: string): boolean {
    return this.#ranges.some((range) => ipInRange(address, range));
  }
}
