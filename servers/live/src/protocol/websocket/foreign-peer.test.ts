import { once } from "node:events";
import { createServer, type Server } from "node:http";
import { type AddressInfo, connect, type Socket } from "node:net";
import { afterEach, expect, test } from "vitest";
import WebSocket, { WebSocketServer } from "ws";
import {
  answerUpgrade,
  encodeClientFrame,
  encodeClose,
  encodeFrame,
  encodePing,
  encodePong,
  encodeText,
  encodeUpgradeRequest,
  OPCODE,
  type WebSocketEvent,
  WebSocketReader,
  WebSocketSkimmer,
} from "./index.ts";

const open: { close(): unknown }[] = [];

afterEach(() => {
  for (const each of open.splice(0)) each.close();
});

/** A server of this codec: echoes text and binary, answers pings and closes, says what it saw. */
async function ourServer(seen: WebSocketEvent[]): Promise<number> {
  const server: Server = createServer();
  server.on("upgrade", (request, socket) => {
    const result = answerUpgrade(request);
    socket.write(result.response);
    if (result.kind === "refuse") return void socket.end();
    const reader = new WebSocketReader();
    socket.on("error", () => socket.destroy());
    socket.on("data", (bytes: Buffer) => {
      for (const event of reader.push(bytes)) {
        seen.push(event);
        if (event.kind === "text") socket.write(encodeText(event.text));
        else if (event.kind === "binary") socket.write(encodeFrame(OPCODE.binary, event.bytes));
        else if (event.kind === "ping") socket.write(encodePong(event.bytes));
        else if (event.kind === "close") socket.end(encodeClose(event.code === 1005 ? 1000 : event.code));
        else if (event.kind === "violation") socket.end(encodeClose(event.closeCode, event.code));
      }
    });
    socket.write(encodePing(new Uint8Array([1, 2])));
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  open.push(server);
  return (server.address() as AddressInfo).port;
}

test("ws as the client is understood and understands, with deflate offered", async () => {
  const seen: WebSocketEvent[] = [];
  const client = new WebSocket(`ws://127.0.0.1:${await ourServer(seen)}/live/x/ws`, { perMessageDeflate: true });
  const pinged = once(client, "ping");
  await once(client, "open");
  expect(client.extensions).toBe("");
  expect([...((await pinged)[0] as Buffer)]).toEqual([1, 2]);
  for (const size of [0, 1, 125, 126, 65_535, 65_536]) {
    const payload = Buffer.alloc(size, size % 251);
    client.send(payload);
    const [echo, isBinary] = (await once(client, "message")) as [Buffer, boolean];
    expect(isBinary).toBe(true);
    expect(echo.equals(payload)).toBe(true);
  }
  client.send("a", { fin: false });
  client.send("鏡", { fin: true });
  expect(String((await once(client, "message"))[0])).toBe("a鏡");
  client.ping("beat");
  expect(String((await once(client, "pong"))[0])).toBe("beat");
  client.close(4321, "done");
  expect((await once(client, "close"))[0]).toBe(4321);
  expect(seen.at(-1)).toEqual({ kind: "close", code: 4321, reason: "done" });
  expect(seen.filter(({ kind }) => kind === "pong")).toEqual([{ kind: "pong", bytes: new Uint8Array([1, 2]) }]);
});

test("ws as the client is told when its message is too large", async () => {
  const client = new WebSocket(`ws://127.0.0.1:${await ourServer([])}/`);
  await once(client, "open");
  client.send(Buffer.alloc(65_537));
  const [code, reason] = (await once(client, "close")) as [number, Buffer];
  expect(code).toBe(1009);
  expect(String(reason)).toBe("WEBSOCKET_TOO_LARGE");
});

test("ws as the server is skimmed, and understands masked frames", async () => {
  const server = new WebSocketServer({ port: 0, host: "127.0.0.1" });
  open.push(server);
  await once(server, "listening");
  const connected = once(server, "connection");
  const socket: Socket = connect((server.address() as AddressInfo).port, "127.0.0.1");
  socket.write(encodeUpgradeRequest("127.0.0.1", "/", "dGhlIHNhbXBsZSBub25jZQ=="));
  const [peer] = (await connected) as [WebSocket];
  const received = once(peer, "message");
  socket.write(encodeClientFrame(OPCODE.text, new TextEncoder().encode("ack 鏡"), new Uint8Array([9, 8, 7, 6])));
  expect(String((await received)[0])).toBe("ack 鏡");

  const skimmer = new WebSocketSkimmer();
  let head = "";
  socket.on("data", (bytes: Buffer) => {
    if (head.endsWith("\r\n\r\n")) return skimmer.push(bytes);
    head += bytes.toString("latin1");
    const end = head.indexOf("\r\n\r\n") + 4;
    if (end < 4) return;
    skimmer.push(Buffer.from(head.slice(end), "latin1"));
    head = head.slice(0, end);
  });
  for (let i = 0; i < 100; i++) peer.send(Buffer.alloc(i * 1_000));
  peer.send("text");
  peer.close(1001);
  // Like any client: answer the close, and ws hangs up.
  socket.on("data", () => {
    if (skimmer.closeCode !== undefined) {
      socket.write(encodeClientFrame(OPCODE.close, new Uint8Array([3, 0xe9]), new Uint8Array(4)));
    }
  });
  await once(peer, "close");
  socket.destroy();
  expect(head).toContain("s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
  expect(skimmer.binaryMessageCount).toBe(100);
  expect(skimmer.binaryByteCount).toBe(4_950_000);
  expect(skimmer.textMessageCount).toBe(1);
  expect(skimmer.closeCode).toBe(1001);
});
