import type { AmfObject } from "./amf-value.ts";
import type { RandomBytes } from "./handshake.ts";
import type { RtmpLimits } from "./limits.ts";

/** What a server session is made with. */
export interface RtmpServerOptions {
  /** Unpredictable bytes, for the handshake. */
  readonly randomBytes: RandomBytes;
  /** When the connection was made, on the clock of every other `nowMs`. */
  readonly nowMs: number;
  readonly limits?: Partial<RtmpLimits>;
  /** Where the messages of an accepted publisher are put together; arrays of their own if absent. */
  readonly allocate?: (byteCount: number) => Uint8Array;
  /** `CAPS_EX` flags to announce; `reconnect` unless given. */
  readonly capsEx?: number;
}

/** What a player is told when its play is accepted. */
export interface AcceptPlayOptions {
  readonly metadata?: AmfObject;
}
