import type { HttpResponse } from "@kagami/kit";
import { ClientGone } from "../client-gone.ts";

/**
 * The body of an answer, piece by piece. A piece that was taken has left this process, so that its memory may be used
 * again; that is also the back-pressure.
 */
export class AnswerStream {
  readonly #response: HttpResponse;
  #resolve: (() => void) | undefined;
  #reject: ((error: Error) => void) | undefined;
  readonly #onTaken = (error?: Error | null): void => {
    if (error) this.#reject?.(gone());
    else this.#resolve?.();
  };

  constructor(response: HttpResponse) {
    this.#response = response;
    // Node forgets the callbacks of what it had not begun to send.
    response.once("close", () => this.#reject?.(gone()));
  }

  /** Resolves when the piece has been taken. @throws ClientGone */
  write(piece: Uint8Array): Promise<void> {
    return this.#send(() => this.#response.write(piece, this.#onTaken));
  }

  /** The same for the last one. */
  end(piece: Uint8Array): Promise<void> {
    return this.#send(() => this.#response.end(piece, this.#onTaken));
  }

  #send(begin: () => void): Promise<void> {
    // Its `close` would have been told already.
    if (this.#response.destroyed) return Promise.reject(gone());
    return new Promise((resolve, reject) => {
      this.#resolve = resolve;
      this.#reject = reject;
      begin();
    });
  }
}

function gone(): ClientGone {
  return new ClientGone("The client hung up while its answer was sent");
}
