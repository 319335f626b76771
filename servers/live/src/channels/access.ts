import { callHook, type Logger, signToken, verifyToken } from "@kagami/kit";
import type { ChannelSettings, ChannelStore } from "./channel-store.ts";

/** Who asks, for hooks and logs. */
export interface Peer {
  readonly address: string;
  readonly protocol: "rtmp" | "ws" | "hls" | "flv";
}

export type Admission =
  | { readonly isAllowed: true; readonly settings: ChannelSettings }
  | { readonly isAllowed: false; readonly reason: AccessRefusal; readonly message: string };

export type AccessRefusal = "KEY_UNKNOWN" | "CHANNEL_NOT_FOUND" | "PLAY_TOKEN_REFUSED" | "HOOK_REFUSED";

export interface AccessOptions {
  readonly store: ChannelStore;
  /** Empty asks nobody. */
  readonly publishHook: string;
  readonly playHook: string;
  readonly hookSecret: string;
  readonly hookTimeoutMs: number;
  readonly nowMs: () => number;
  readonly log: Logger;
}

/** Decides who may publish and who may watch. */
export class Access {
  readonly #options: AccessOptions;

  constructor(options: AccessOptions) {
    this.#options = options;
  }

  /** @param query What followed the key's `?`, for the hook. */
  async mayPublish(key: string, query: string, peer: Peer): Promise<Admission> {
    const { store, publishHook } = this.#options;
    const settings = store.findByKey(key);
    if (!settings) return refuse("KEY_UNKNOWN", "The stream key is not known. Copy it from the studio once more");
    return this.#ask(publishHook, { action: "publish", channel: settings.name, query, ...peer }, settings);
  }

  /**
   * @param token A play token, as `?token=` gave it; only private channels need one.
   * @param isAdmitted The hook has let this viewer in before; only the token is looked at.
   */
  async mayPlay(name: string, token: string | undefined, peer: Peer, isAdmitted = false): Promise<Admission> {
    const { store, playHook } = this.#options;
    const settings = store.find(name);
    if (!settings) return refuse("CHANNEL_NOT_FOUND", `There is no channel "${name}"`);
    const problem = settings.isPrivate ? this.#problemOf(name, token) : undefined;
    if (problem !== undefined) return refuse("PLAY_TOKEN_REFUSED", problem);
    return this.#ask(isAdmitted ? "" : playHook, { action: "play", channel: name, ...peer }, settings);
  }

  /** A publisher was let in: in open-publish mode its channel is listed from now on. */
  remember(settings: ChannelSettings): void {
    if (this.#options.store.isOpenPublish) this.#options.store.rememberOpen(settings);
  }

  /** A token that lets its holder watch one channel for a while. */
  makePlayToken(name: string, expiresAtMs: number): string {
    return signToken({ play: name }, this.#options.store.playTokenKeys[0], expiresAtMs);
  }

  /** What is wrong with a token for this channel, or `undefined`. */
  #problemOf(name: string, token: string | undefined): string | undefined {
    if (token === undefined || token === "") return "This channel is private: a play token is needed";
    const result = verifyToken(token, this.#options.store.playTokenKeys, this.#options.nowMs());
    if (!result.ok) {
      return result.code === "TOKEN_EXPIRED"
        ? "The play token has expired; ask for a new link"
        : "The play token is not valid";
    }
    return result.payload.play === name ? undefined : "The play token is for another channel";
  }

  async #ask(url: string, body: Record<string, unknown>, settings: ChannelSettings): Promise<Admission> {
    if (url === "") return { isAllowed: true, settings };
    const { hookSecret, hookTimeoutMs, log } = this.#options;
    const result = await callHook(url, body, {
      timeoutMs: hookTimeoutMs,
      ...(hookSecret !== "" && { secret: hookSecret }),
    });
    if (result.ok) return { isAllowed: true, settings };
    // A hook that said no did its work; one that failed needs somebody to look.
    if (result.code !== "HOOK_REFUSED")
      log.error("hook.failed", { action: body.action, code: result.code, message: result.message });
    return refuse("HOOK_REFUSED", "The operator's rules do not allow this");
  }
}

function refuse(reason: AccessRefusal, message: string): Admission {
  return { isAllowed: false, reason, message };
}
