import type { LeaveReason, ViewerLink } from "./viewer.ts";

/** For tests: a viewer whose connection takes everything, and counts it. */
export class SimulatedSocket implements ViewerLink {
  readonly protocol = "ws";
  readonly bufferedBytes = 0;
  readonly states: unknown[] = [];
  byteCount = 0;
  left: LeaveReason | undefined;

  write(bytes: Uint8Array): void {
    this.byteCount += bytes.length;
  }

  tell(message: object): void {
    const { type, state } = message as { type: string; state?: unknown };
    if (type === "state") this.states.push(state);
  }

  leave(reason: LeaveReason): void {
    this.left = reason;
  }
}
