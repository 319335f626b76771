import { createHash, randomBytes } from "node:crypto";
import { createServer, type Socket } from "node:net";
import { Engine } from "../../src/engine/engine.ts";
import { Args } from "../../src/protocol/args.ts";
import { ReplyWriter } from "../../src/protocol/reply-writer.ts";
import { REQUEST_BROKEN, REQUEST_MORE, RequestParser } from "../../src/protocol/request-parser.ts";

// The engine over plain sockets, without files: for trying commands by hand. Prints its port.

const engine = new Engine({
  hashSeed: 1,
  hashPassword: (bytes) => createHash("sha256").update(bytes).digest("hex"),
  clockUs: () => performance.now() * 1_000,
  shell: { randomBytes },
});
/** Who waits for CLIENT PAUSE to be over, and how to go on then. */
const held = new Set<() => void>();
let turn = 0;

function serve(socket: Socket): void {
  const parser = new RequestParser();
  const args = new Args();
  const reply = new ReplyWriter();
  const output = { send: (bytes: Uint8Array) => void socket.write(bytes.slice()), close: () => void socket.end() };
  const session = engine.sessions.open(output, engine.users.defaultUser, {
    address: `${socket.remoteAddress}:${socket.remotePort}`,
    localAddress: `${socket.localAddress}:${socket.localPort}`,
    nowMs: Date.now(),
    isAuthenticated: !engine.users.isLoginNeeded,
  });
  let pending = Buffer.alloc(0);
  socket.on("error", () => socket.destroy());
  socket.on("close", () => {
    engine.disconnect(session);
    held.delete(goOn);
  });
  socket.on("data", (chunk) => {
    pending = Buffer.concat([pending, chunk]);
    goOn();
  });
  function goOn(): void {
    parser.reset();
    let at = 0;
    held.delete(goOn);
    engine.beginTurn(Date.now(), ++turn);
    while (!session.isClosing) {
      const next = parser.parse(pending, at, pending.length, args, true);
      if (next === REQUEST_MORE) break;
      if (next === REQUEST_BROKEN) {
        reply.error(parser.error);
        session.isClosing = true;
        break;
      }
      if (args.count > 0 && engine.sessions.pausedUntilMs !== 0 && engine.isHeldBack(session, args)) {
        held.add(goOn);
        break;
      }
      at = next;
      if (args.count > 0) engine.execute(session, args, reply);
      args.count = 0;
    }
    args.count = 0;
    engine.endTurn();
    pending = pending.subarray(at);
    socket.write(reply.bytes.slice(0, reply.length));
    reply.length = 0;
    if (session.isClosing) socket.end();
  }
}

setInterval(() => {
  engine.beginTurn(Date.now(), ++turn);
  engine.tick();
  engine.endTurn();
  if (!engine.sessions.isPaused(Date.now())) for (const goOn of [...held]) goOn();
}, 100).unref();

const server = createServer(serve);
server.listen(0, "127.0.0.1", () => process.stdout.write(`${JSON.stringify(server.address())}\n`));
