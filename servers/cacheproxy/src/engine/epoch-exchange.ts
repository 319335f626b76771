import { ReplyShape } from "../protocol/codes.ts";
import { decodeMeta, encodeMeta } from "../protocol/meta-wire.ts";
import type { DataPath } from "./data-path.ts";
import type { Exchange, ExchangeFailure, ExchangeResult, MetaRequest, ServerRef } from "./meta.ts";
import { SlotMode } from "./slot.ts";
import type { UpstreamConnection } from "./upstream.ts";

/** How policies reach the servers of one cluster state; it stays usable for what began before a newer one came. */
export class EpochExchange implements Exchange {
  readonly #path: DataPath;
  readonly #upstreams: readonly UpstreamConnection[];

  constructor(path: DataPath, upstreams: readonly UpstreamConnection[]) {
    this.#path = path;
    this.#upstreams = upstreams;
  }

  send(server: ServerRef, request: MetaRequest, done: (result: ExchangeResult) => void): void {
    const upstream = this.#upstreams[server];
    if (!upstream) throw new RangeError(`There is no server ${server} in this cluster`);
    if (!upstream.isReachable || upstream.isOverloaded) {
      const failure: ExchangeFailure = upstream.isReachable ? "overloaded" : "down";
      if (failure === "overloaded") upstream.counter.overloads++;
      this.#path.defer(() => done({ ok: false, failure }));
      return;
    }
    const slot = this.#path.slots.take();
    slot.mode = SlotMode.EXCHANGE;
    slot.shape = ReplyShape.META;
    slot.onReply = (failure, bytes, start, end) => {
      if (failure === "") done({ ok: true, reply: decodeMeta(bytes, start, end) });
      else done({ ok: false, failure });
    };
    const bytes = encodeMeta(request);
    upstream.send(slot, bytes, 0, bytes.length);
  }
}
