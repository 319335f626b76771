import { beforeEach, expect, test, vi } from "vitest";
import { AppendQueue } from "./append-queue.ts";

/** A SourceBuffer that finishes an operation when told. */
class FakeBuffer {
  updating = false;
  readonly log: string[] = [];
  refusal: string | undefined;

  appendBuffer(data: ArrayBufferView): void {
    if (this.refusal !== undefined) throw Object.assign(new Error("refused"), { name: this.refusal });
    this.#begin(`append ${data.byteLength}`);
  }

  remove(startS: number, endS: number): void {
    this.#begin(`remove ${startS}-${endS}`);
  }

  changeType(mime: string): void {
    this.log.push(`type ${mime}`);
  }

  #begin(what: string): void {
    if (this.updating) throw new Error("an operation is under way");
    this.updating = true;
    this.log.push(what);
  }
}

let buffer: FakeBuffer;
let queue: AppendQueue;
const events = { onQuota: vi.fn(), onOverflow: vi.fn(), onBroken: vi.fn() };

beforeEach(() => {
  vi.resetAllMocks();
  buffer = new FakeBuffer();
  queue = new AppendQueue(buffer as never, "a", events);
});

function finish(): void {
  buffer.updating = false;
  queue.pump();
}

function bytes(length: number): Uint8Array<ArrayBuffer> {
  return new Uint8Array(length);
}

test("media that waits together is appended together, and acknowledged when it is handed over", () => {
  queue.pushInit(bytes(10), "a");
  queue.pushMedia(bytes(1), 33);
  queue.pushMedia(bytes(2), 66);
  expect(queue.appendedMs).toBeUndefined();
  finish();
  expect(buffer.log).toEqual(["append 10", "append 3"]);
  expect(queue.appendedMs).toBe(66);
});

test("a new codec changes the type before its initialization segment, in order", () => {
  queue.pushMedia(bytes(1), 33);
  queue.pushInit(bytes(10), "b");
  queue.pushMedia(bytes(2), 66);
  finish();
  finish();
  expect(buffer.log).toEqual(["append 1", "type b", "append 10", "append 2"]);
});

test("a closed gate holds media back but not removal", () => {
  queue.setOpen(false);
  queue.pushMedia(bytes(1), 33);
  queue.remove(0, 5);
  expect(buffer.log).toEqual(["remove 0-5"]);
  finish();
  expect(queue.waitingCount).toBe(1);
  queue.setOpen(true);
  expect(buffer.log).toEqual(["remove 0-5", "append 1"]);
});

test("full memory asks for room once, and gives up when that does not help", () => {
  buffer.refusal = "QuotaExceededError";
  events.onQuota.mockImplementation(() => queue.remove(0, 5));
  queue.pushMedia(bytes(1), 33);
  expect(events.onQuota).toHaveBeenCalledTimes(1);
  expect(buffer.log).toEqual(["remove 0-5"]);
  finish();
  expect(events.onQuota).toHaveBeenCalledTimes(1);
  expect(events.onBroken).toHaveBeenCalledTimes(1);
});

test("media kept for want of room goes in after the removal", () => {
  buffer.refusal = "QuotaExceededError";
  events.onQuota.mockImplementation(() => {
    buffer.refusal = undefined;
    queue.remove(0, 5);
  });
  queue.pushMedia(bytes(1), 33);
  finish();
  expect(buffer.log).toEqual(["remove 0-5", "append 1"]);
  expect(events.onBroken).not.toHaveBeenCalled();
});

test("more than 16 MiB waiting is thrown away and said", () => {
  buffer.updating = true;
  for (let i = 0; i < 17; i++) queue.pushMedia(bytes(1024 * 1024), i);
  expect(events.onOverflow).toHaveBeenCalledTimes(1);
  expect(queue.waitingCount).toBe(0);
});

test("any other refusal breaks the queue", () => {
  buffer.refusal = "InvalidStateError";
  queue.pushMedia(bytes(1), 33);
  expect(events.onBroken).toHaveBeenCalledTimes(1);
});
