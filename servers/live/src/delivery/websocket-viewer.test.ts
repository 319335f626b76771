import { EventEmitter } from "node:events";
import type { Duplex } from "node:stream";
import { FakeClock } from "@kagami/clock";
import { describe, expect, test } from "vitest";
import { encodeClientFrame, OPCODE } from "../protocol/websocket/index.ts";
import { WebSocketViewer } from "./websocket-viewer.ts";

/** A connection that keeps all it is given, as one whose peer does not read. */
class StuckSocket extends EventEmitter {
  writableLength = 0;
  isDestroyed = false;
  isEnded = false;
  readonly written: Uint8Array[] = [];

  write(bytes: Uint8Array): boolean {
    this.writableLength += bytes.length;
    this.written.push(bytes);
    return false;
  }

  end(): void {
    this.isEnded = true;
  }

  destroy(): void {
    this.isDestroyed = true;
    this.emit("close");
  }
}

function open(): { clock: FakeClock; socket: StuckSocket; viewer: WebSocketViewer } {
  const clock = new FakeClock();
  const socket = new StuckSocket();
  const timing = {
    monotonicMs: () => clock.monotonicMs(),
    wallMs: () => clock.wallMs(),
    setTimer: (run: () => void, delayMs: number) => clock.after(delayMs, run),
  };
  return { clock, socket, viewer: new WebSocketViewer(socket as unknown as Duplex, timing) };
}

const ping = encodeClientFrame(OPCODE.ping, new Uint8Array(125), Uint8Array.of(1, 2, 3, 4));
const asked = encodeClientFrame(
  OPCODE.text,
  new TextEncoder().encode('{"type":"ping","id":1}'),
  Uint8Array.of(1, 2, 3, 4),
);

describe("WebSocketViewer", () => {
  test.each([
    { what: "pings", frame: ping },
    { what: "messages", frame: asked },
  ])("a viewer that sends $what for a day and never reads fills no memory", ({ frame }) => {
    const { clock, socket, viewer } = open();
    for (let second = 0; second < 86_400 / 4; second++) {
      for (let i = 0; i < 4; i++) viewer.receive(frame);
      clock.advance(1_000);
    }
    expect(socket.writableLength).toBeLessThan((1 << 20) + 200);
    expect(viewer.isClosed).toBe(false);
  });

  test("a silent peer is asked after 30 s, and is gone after another 30", () => {
    const { clock, socket } = open();
    clock.advance(29_999);
    expect(socket.written).toEqual([]);
    clock.advance(1);
    expect(socket.written).toHaveLength(1);
    clock.advance(29_999);
    expect(socket.isDestroyed).toBe(false);
    clock.advance(1);
    expect(socket.isDestroyed).toBe(true);
    expect(clock.pendingCount).toBe(0);
  });

  test("a peer that was told to go and does not is cut", () => {
    const { clock, socket, viewer } = open();
    viewer.leave("ended");
    expect([socket.isEnded, socket.isDestroyed]).toEqual([true, false]);
    const written = socket.written.length;
    viewer.tell({ type: "clock" });
    viewer.leave("too-slow");
    expect(socket.written).toHaveLength(written);
    clock.advance(2_000);
    expect(socket.isDestroyed).toBe(true);
    expect(clock.pendingCount).toBe(0);
  });

  test("leaving is told once, however the connection ends", () => {
    const { socket, viewer } = open();
    let leftCount = 0;
    viewer.start(undefined as never, () => leftCount++);
    socket.emit("end");
    socket.emit("close");
    expect(leftCount).toBe(1);
  });
});
