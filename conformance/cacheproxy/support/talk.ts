import { connect } from "node:net";

const DEADLINE_MS = 15_000;

/**
 * Sends bytes over a new connection and reads until the other side closes it, which the bytes must make it do.
 *
 * @param pieceBytes Written in pieces of this size, each in a turn of its own; 0 writes all at once.
 */
export function talk(port: number, request: string, pieceBytes = 0): Promise<string> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    const socket = connect({ port, host: "127.0.0.1", noDelay: true });
    const reply = (): string => Buffer.concat(chunks).toString("latin1");
    socket.setTimeout(DEADLINE_MS, () => {
      socket.destroy();
      reject(new Error(`The other side did not close within ${DEADLINE_MS} ms after ${reply().slice(-200)}`));
    });
    socket.on("data", (chunk: Buffer) => chunks.push(chunk));
    socket.on("error", (error: NodeJS.ErrnoException) => {
      // What it closed on, we may still have been writing.
      if (error.code === "EPIPE" || error.code === "ECONNRESET") resolve(reply());
      else reject(error);
    });
    socket.on("close", () => resolve(reply()));
    socket.on("connect", () => {
      const bytes = Buffer.from(request, "latin1");
      if (pieceBytes === 0) {
        socket.write(bytes);
        return;
      }
      let at = 0;
      const writeNext = (): void => {
        socket.write(bytes.subarray(at, at + pieceBytes));
        at += pieceBytes;
        if (at < bytes.length) setImmediate(writeNext);
      };
      writeNext();
    });
  });
}
