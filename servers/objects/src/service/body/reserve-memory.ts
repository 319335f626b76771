import { S3Error } from "../../protocol/errors.ts";
import { ClientGone } from "../client-gone.ts";
import type { Reservation } from "../memory-budget.ts";
import type { RequestContext } from "../request-context.ts";

/**
 * Memory for the body of a request, in its turn. To be released.
 *
 * @throws S3Error SlowDown if too many wait already; ClientGone
 */
export async function reserveMemory(cx: RequestContext, bytes: number): Promise<Reservation> {
  const { budget } = cx.service;
  const reservation = budget.tryReserve(bytes) ?? (await budget.reserve(bytes));
  if (!reservation) {
    throw new S3Error("SlowDown", {
      message: "Too many uploads are under way. Please try again.",
      headers: { "retry-after": "1" },
    });
  }
  if (cx.response.destroyed) {
    reservation.release();
    throw new ClientGone("The client hung up while its body waited for memory");
  }
  return reservation;
}
