import { createHash, randomBytes } from "node:crypto";
import { createServer, type Socket } from "node:net";
import { Engine } from "../../src/engine/engine.ts";
import { isHeldBack, tick } from "../../src/engine/upkeep.ts";
import { Args } from "../../src/protocol/args.ts";
import { ReplyWriter } from "../../src/protocol/reply-writer.ts";
import { REQUEST_BROKEN, REQUEST_MORE, RequestParser } from "../../src/protocol/request-parser.ts";
import { ScriptRuntime } from "../../src/script/script-runtime.ts";

// The engine over plain sockets, without files: for trying commands by hand. Prints its port.

const engine = new Engine({
  hashSeed: 1,
  hashPassword: (bytes) => createHash("sha256").update(bytes).digest("hex"),
  clockUs: () => performance.now() * 1_000,
  scripts: new ScriptRuntime(),
  shell: { randomBytes },
});
/** Who waits for CLIENT PAUSE to be over, and how to go on then. */
const held = new Set<() => void>();
let turn = 0;

let timer: NodeJS.Timeout | undefined;
const waiting = new Set<() => void>();

/** A turn: what `work` writes goes out, then those go on who waited no more, then the timer is set. */
function inTurn(work: () => void): void {
  engine.beginTurn(Date.now(), ++turn);
  work();
  engine.endTurn();
  clearTimeout(timer);
  const delayMs = Math.min(engine.nextDeadlineMs - Date.now(), 2 ** 31 - 1);
  timer = setTimeout(() => inTurn(() => engine.onTime(Date.now())), Math.max(0, delayMs));
  timer.unref();
  for (const goOn of [...waiting]) goOn();
}

function serve(socket: Socket): void {
  const parser = new RequestParser();
  const args = new Args();
  const reply = new ReplyWriter();
  const flush = (): void => {
    if (reply.length > 0) socket.write(reply.bytes.slice(0, reply.length));
    reply.length = 0;
  };
  const output = {
    send: (bytes: Uint8Array) => {
      flush();
      socket.write(bytes.slice());
    },
    close: () => void socket.end(),
  };
  const session = engine.sessions.open(output, engine.users.defaultUser, {
    address: `${socket.remoteAddress}:${socket.remotePort}`,
    localAddress: `${socket.localAddress}:${socket.localPort}`,
    nowMs: Date.now(),
    isAuthenticated: !engine.users.isLoginNeeded,
  });
  let pending: Buffer = Buffer.alloc(0);
  const take = (): void => {
    parser.reset();
    let at = 0;
    while (!session.isClosing && !session.isBlocked) {
      const next = parser.parse(pending, at, pending.length, args, true);
      if (next === REQUEST_MORE) break;
      if (next === REQUEST_BROKEN) {
        reply.error(parser.error);
        session.isClosing = true;
        break;
      }
      if (args.count > 0 && engine.sessions.pausedUntilMs !== 0 && isHeldBack(engine, session, args)) {
        held.add(goOn);
        break;
      }
      at = next;
      if (args.count > 0) engine.execute(session, args, reply);
      args.count = 0;
    }
    args.count = 0;
    pending = pending.subarray(at);
    flush();
    if (session.isClosing) socket.end();
  };
  const goOn = (): void => {
    held.delete(goOn);
    if (session.isBlocked) return;
    waiting.delete(goOn);
    inTurn(take);
    if (session.isBlocked) waiting.add(goOn);
  };
  socket.setNoDelay(true);
  socket.on("error", () => socket.destroy());
  socket.on("close", () => {
    waiting.delete(goOn);
    engine.disconnect(session);
  });
  socket.on("data", (chunk) => {
    pending = Buffer.concat([pending, chunk]);
    if (session.isBlocked) return;
    inTurn(take);
    if (session.isBlocked) waiting.add(goOn);
  });
}

setInterval(() => {
  inTurn(() => tick(engine));
  if (!engine.sessions.isPaused(Date.now())) for (const goOn of [...held]) goOn();
}, 100).unref();

const server = createServer(serve);
server.listen(0, "127.0.0.1", () => process.stdout.write(`${JSON.stringify(server.address())}\n`));
