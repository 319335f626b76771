// What RTMP costs per byte and per message: `node servers/live/bench/rtmp.bench.ts [--smoke]`.
import { Bench } from "tinybench";
import {
  encodeMediaMessage,
  type MediaMessage,
  mediaMessageSize,
  RtmpClientSession,
  RtmpServerSession,
  writeMediaMessage,
} from "../src/protocol/rtmp/index.ts";
import { concat, seededBytes } from "../src/protocol/rtmp/test-peer.ts";

const isSmoke = process.argv.includes("--smoke");
/** The most that Node's sockets over at once. */
const READ_BYTES = 65_536;

/**
 * One second of 2 Mbit/s: a key frame, 29 frames between, 47 of AAC. A run is this short so that the median run is one
 * that a busy machine did not interrupt.
 */
function secondOfMedia(): MediaMessage[] {
  const messages: MediaMessage[] = [];
  for (let i = 0; i < 30; i++) {
    const payload = seededBytes(i)(i === 0 ? 55_000 : 6_300);
    messages.push({ messageType: 9, timestampMs: i * 33, payload });
  }
  for (let i = 0; i < 47; i++) {
    messages.push({ messageType: 8, timestampMs: i * 21, payload: seededBytes(i)(320) });
  }
  return messages.toSorted((a, b) => a.timestampMs - b.timestampMs);
}

/** A session that publishes, and `messages` as its client wrote them. */
function publishing(
  chunkBytes: number,
  messages: readonly MediaMessage[],
): { readonly session: RtmpServerSession; readonly wire: Uint8Array } {
  const session = new RtmpServerSession({ randomBytes: seededBytes(1), nowMs: 0 });
  const names = { app: "live", tcUrl: "rtmp://h/live", streamName: "key" };
  const client = new RtmpClientSession({
    mode: "publish",
    ...names,
    randomBytes: seededBytes(2),
    nowMs: 0,
    chunkBytes,
  });
  for (let round = 0; round < 10; round++) {
    for (const event of session.receive(concat(client.takeOutput()), 0)) {
      if (event.kind === "publish") session.acceptPublish(event.streamId);
    }
    client.receive(concat(session.takeOutput()), 0);
  }
  if (!client.isReady) throw new Error("The client is not ready");
  for (const { messageType, timestampMs, payload } of messages) {
    client.sendMedia(messageType, timestampMs, payload as Uint8Array);
  }
  return { session, wire: concat(client.takeOutput()) };
}

let checkValue = 0;
const bytesOf = new Map<string, number>();
const messagesOf = new Map<string, number>();
const bench = new Bench({ time: isSmoke ? 50 : 1000, warmupTime: isSmoke ? 10 : 200, throws: true });

for (const { chunkBytes, readBytes, why } of [
  { chunkBytes: 128, readBytes: READ_BYTES, why: "an encoder that never sets the size" },
  { chunkBytes: 4096, readBytes: READ_BYTES, why: "OBS" },
  { chunkBytes: 65_536, readBytes: READ_BYTES, why: "ffmpeg" },
  { chunkBytes: 4096, readBytes: 1448, why: "OBS, one packet a read" },
  { chunkBytes: 4096, readBytes: 1, why: "a hostile peer" },
]) {
  const messages = readBytes === 1 ? secondOfMedia().slice(-5) : secondOfMedia();
  const { session, wire } = publishing(chunkBytes, messages);
  const name = `receive, chunks of ${chunkBytes}, reads of ${readBytes} (${why})`;
  bytesOf.set(name, wire.length);
  messagesOf.set(name, messages.length);
  bench.add(name, () => {
    for (let offset = 0; offset < wire.length; offset += readBytes) {
      checkValue += session.receive(wire.subarray(offset, offset + readBytes), 0).length;
    }
    session.takeOutput();
  });
}

const frame: MediaMessage = { messageType: 9, timestampMs: 40, payload: seededBytes(1)(8_300) };
const parts: MediaMessage = { ...frame, payload: [seededBytes(2)(5), seededBytes(1)(8_295)] };
const sound: MediaMessage = { messageType: 8, timestampMs: 40, payload: seededBytes(3)(320) };
for (const [name, message] of [
  ["encodeMediaMessage, video of 8300 bytes", frame],
  ["encodeMediaMessage, the same in two parts", parts],
  ["encodeMediaMessage, audio of 320 bytes", sound],
] as const) {
  bytesOf.set(name, mediaMessageSize(message === sound ? 320 : 8_300, 40));
  messagesOf.set(name, 1);
  bench.add(name, () => {
    checkValue += encodeMediaMessage(message).length;
  });
}

const batch = [frame, sound, sound];
const batchBytes = mediaMessageSize(8_300, 40) + 2 * mediaMessageSize(320, 40);
bytesOf.set("writeMediaMessage, a merged write of three", batchBytes);
messagesOf.set("writeMediaMessage, a merged write of three", 3);
bench.add("writeMediaMessage, a merged write of three", () => {
  const target = new Uint8Array(batchBytes);
  let offset = 0;
  for (const message of batch) offset = writeMediaMessage(target, offset, message);
  checkValue += offset;
});

await bench.run();
console.log(`Node ${process.version}, ${process.arch}; one second of 2 Mbit/s a run`);
for (const task of bench.tasks) {
  const { result } = task;
  if (!("latency" in result)) throw new Error(`${task.name} has no result`);
  const { p50, rme } = result.latency;
  const bytes = bytesOf.get(task.name) ?? 0;
  const perMessage = (p50 * 1000) / (messagesOf.get(task.name) ?? 1);
  console.log(
    `${task.name}: ${(bytes / p50 / 1000).toFixed(0)} MB/s, ${perMessage.toFixed(2)} us a message (±${rme.toFixed(1)} %)`,
  );
}
console.log(`check ${checkValue > 0}`);
