/** The client hung up, or was cut off, before its request was over: there is nobody to answer. */
export class ClientGone extends Error {
  override readonly name = "ClientGone";
}
