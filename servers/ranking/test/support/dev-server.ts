import { createHash } from "node:crypto";
import { createServer, type Socket } from "node:net";
import { Engine } from "../../src/engine/engine.ts";
import { Session } from "../../src/engine/session.ts";
import { Args } from "../../src/protocol/args.ts";
import { ReplyWriter } from "../../src/protocol/reply-writer.ts";
import { REQUEST_BROKEN, REQUEST_MORE, RequestParser } from "../../src/protocol/request-parser.ts";

// The engine over plain sockets, without files: for trying commands by hand. Prints its port.

const engine = new Engine({
  hashSeed: 1,
  hashPassword: (bytes) => createHash("sha256").update(bytes).digest("hex"),
  clockUs: () => performance.now() * 1_000,
});
let sessions = 0;
let turn = 0;

function serve(socket: Socket): void {
  const parser = new RequestParser();
  const args = new Args();
  const reply = new ReplyWriter();
  const output = { send: (bytes: Uint8Array) => void socket.write(bytes.slice()), close: () => void socket.end() };
  const session = new Session(++sessions, output, engine.users.defaultUser);
  let pending = Buffer.alloc(0);
  socket.on("error", () => socket.destroy());
  socket.on("close", () => engine.disconnect(session));
  socket.on("data", (chunk) => {
    pending = Buffer.concat([pending, chunk]);
    parser.reset();
    let at = 0;
    engine.beginTurn(Date.now(), ++turn);
    while (!session.isClosing) {
      const next = parser.parse(pending, at, pending.length, args, true);
      if (next === REQUEST_MORE) break;
      if (next === REQUEST_BROKEN) {
        reply.error(parser.error);
        session.isClosing = true;
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
  });
}

const server = createServer(serve);
server.listen(0, "127.0.0.1", () => process.stdout.write(`${JSON.stringify(server.address())}\n`));
