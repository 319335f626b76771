import { S3Error } from "../../protocol/errors.ts";
import { ClientGone } from "../client-gone.ts";
import type { RequestContext } from "../request-context.ts";
import type { Transfer } from "../stall-guard.ts";

/** The bytes of a request's body as they come. While nobody asks for the next, the client is held back by TCP. */
export interface BodyChunks {
  /** Undefined behind the last. @throws ClientGone, S3Error RequestTimeout */
  next(): Promise<Buffer | undefined>;
  /** Does something that the client is not to blame for. */
  whilePaused(work: () => Promise<unknown>): Promise<void>;
  /** Must be called; gives the request back. */
  close(): void;
}

/** Asks the client for its body. */
export function openChunks(cx: RequestContext): BodyChunks {
  cx.isBodyTaken = true;
  if (cx.expectsContinue) cx.response.writeContinue();
  return new RequestChunks(cx);
}

class RequestChunks implements BodyChunks {
  readonly #cx: RequestContext;
  readonly #transfer: Transfer;
  #failure: Error | undefined;
  #wake: (() => void) | undefined;
  readonly #onReadable = (): void => this.#wake?.();

  constructor(cx: RequestContext) {
    this.#cx = cx;
    const { request } = cx;
    this.#transfer = cx.service.stalls.watch(() => this.#fail(new S3Error("RequestTimeout")));
    this.#transfer.pause();
    // Told at the end too.
    request.on("readable", this.#onReadable);
    request.on("close", this.#onReadable);
  }

  async next(): Promise<Buffer | undefined> {
    const { request } = this.#cx;
    this.#transfer.resume();
    for (;;) {
      if (this.#failure) throw this.#failure;
      const chunk = request.read() as Buffer | null;
      if (chunk !== null) {
        this.#transfer.moved(chunk.length);
        this.#transfer.pause();
        return chunk;
      }
      if (request.readableEnded || (request.complete && request.readableLength === 0)) return undefined;
      if (request.destroyed) throw new ClientGone("The client hung up before its body was over");
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
      this.#wake = undefined;
    }
  }

  async whilePaused(work: () => Promise<unknown>): Promise<void> {
    await work();
    if (this.#cx.request.destroyed && !this.#cx.request.complete) {
      throw new ClientGone("The client hung up while its body was paced");
    }
  }

  close(): void {
    this.#transfer.end();
    const { request } = this.#cx;
    request.removeListener("readable", this.#onReadable);
    request.removeListener("close", this.#onReadable);
  }

  #fail(error: Error): void {
    this.#failure = error;
    this.#wake?.();
  }
}
