import { fileURLToPath } from "node:url";
import { createLogger, systemClock } from "@kagami/kit";
import { eventually, isProcessAlive, runTool } from "@kagami/testkit";
import { afterEach, expect, test } from "vitest";
import type { FilterSettings } from "../protocol/privacy/messages.ts";
import type { FilterFailure, FilterHandlers, FilterPort, FilterStreamReply } from "./filter-stream.ts";
import { FilterSupervisor, type FilterSupervisorOptions } from "./filter-supervisor.ts";
import { encodeFilterClip, type FilterClip, requestsOf } from "./testing/clip.ts";

const SETTINGS: FilterSettings = { mode: "selective", style: "any", strength: 1, zones: [], startsCovered: false };
const WAIT = { timeoutMs: 15_000 };
const SCRIPTED = { path: fileURLToPath(new URL("./testing/scripted-filter-main.ts", import.meta.url)), args: ["[]"] };

/** For tests in which nothing is decoded. */
const IDLE = { path: fileURLToPath(new URL("./testing/idle-filter-main.ts", import.meta.url)), args: [] };

const open: FilterSupervisor[] = [];
afterEach(async () => {
  await Promise.all(open.splice(0).map((supervisor) => supervisor.close()));
});

function createSupervisor(options: Partial<FilterSupervisorOptions> = {}): FilterSupervisor {
  const log = createLogger({ sink: { write: () => undefined, flush: () => Promise.resolve() } });
  const supervisor = new FilterSupervisor({
    clock: systemClock,
    log,
    program: SCRIPTED,
    restartPauseMs: 10,
    ...options,
  });
  open.push(supervisor);
  return supervisor;
}

/** The owner of a stream: counts what it is told. */
class Owner implements FilterHandlers {
  readonly replies: FilterStreamReply[] = [];
  readonly failures: FilterFailure[] = [];
  readyCount = 0;
  statsCount = 0;
  closedCount = 0;
  readonly port: FilterPort;

  constructor(supervisor: FilterSupervisor) {
    this.port = supervisor.openStream(SETTINGS, this);
  }

  onReady(): void {
    this.readyCount++;
  }
  onReply(reply: FilterStreamReply): void {
    this.replies.push(reply);
  }
  onFailed(failure: FilterFailure): void {
    this.failures.push(failure);
  }
  onClosed(): void {
    this.closedCount++;
  }
  onStats(): void {
    this.statsCount++;
  }

  /** The clip from one picture to another, the second not included; those before `liveFrom` as a replay. */
  play(clip: FilterClip, from: number, to: number, liveFrom = from): void {
    const [config, ...pictures] = requestsOf(clip);
    if (config !== undefined && clip.samples[from]?.isKey) this.port.send(config);
    for (const picture of pictures.slice(from, to)) {
      if (picture.kind !== "picture") continue;
      this.port.send({ ...picture, isReplay: picture.sequence < liveFrom });
    }
  }

  answers(kind: "pass" | "replace" | "drop"): number[] {
    return this.replies.flatMap((reply) => (reply.kind === kind ? [reply.sequence] : []));
  }
}

test("a stream is ready when its process is, and closing it answers everything and ends the process", async () => {
  const clip = await encodeFilterClip();
  const supervisor = createSupervisor();
  expect(supervisor.unavailableReason).toBeUndefined();
  expect(supervisor.pids).toEqual([]);
  const owner = new Owner(supervisor);
  expect(owner.port.send({ kind: "preview", isTest: false })).toBe("away");
  await eventually(() => owner.readyCount === 1, WAIT);
  owner.play(clip, 0, 30);
  owner.port.close();
  await eventually(() => owner.closedCount === 1, WAIT);
  expect(owner.answers("pass")).toHaveLength(29);
  expect(owner.answers("drop")).toEqual([29]);
  await eventually(() => supervisor.pids.length === 0, WAIT);
  expect(owner.failures).toEqual([]);
});

test("a killed process is replaced, and what comes after the replay is covered from its first picture", async () => {
  const clip = await encodeFilterClip();
  const supervisor = createSupervisor();
  const owner = new Owner(supervisor);
  await eventually(() => owner.readyCount === 1, WAIT);
  owner.play(clip, 0, 15);
  await eventually(() => owner.answers("pass").length === 14, WAIT);
  const [pid] = supervisor.pids;
  process.kill(pid as number, "SIGKILL");
  await eventually(() => owner.failures.length === 1, WAIT);
  expect(owner.failures[0]).toMatchObject({ code: "FILTER_DIED" });
  expect(owner.port.send({ kind: "preview", isTest: false })).toBe("away");
  await eventually(() => owner.readyCount === 2, WAIT);
  expect(supervisor.pids).not.toContain(pid);
  owner.play(clip, 10, 30, 14);
  await eventually(() => owner.answers("replace").length === 15, WAIT);
  const covered = owner.replies.find((reply) => reply.kind === "replace");
  expect(covered).toMatchObject({ sequence: 14, isKey: true });
  const states = owner.replies.flatMap((reply) => (reply.kind === "detection" ? [reply.detection.state] : []));
  expect(states).toContain("held");
});

test("a stream that took its process down is alone in the next one; four share one otherwise", async () => {
  const supervisor = createSupervisor({ program: IDLE });
  const owners = Array.from({ length: 5 }, () => new Owner(supervisor));
  await eventually(() => owners.every(({ readyCount }) => readyCount === 1), WAIT);
  expect(supervisor.pids).toHaveLength(2);
  process.kill(supervisor.pids[1] as number, "SIGKILL");
  await eventually(() => owners[4]?.readyCount === 2, WAIT);
  expect(owners.map(({ failures }) => failures.length)).toEqual([0, 0, 0, 0, 1]);
  await eventually(() => supervisor.pids.length === 2, WAIT);
});

test("a process that hangs is killed after the limit", async () => {
  const supervisor = createSupervisor({ program: IDLE, silenceLimitMs: 2_500 });
  const owner = new Owner(supervisor);
  await eventually(() => owner.statsCount > 0, WAIT);
  process.kill(supervisor.pids[0] as number, "SIGSTOP");
  await eventually(() => owner.failures.length === 1, WAIT);
  expect(owner.failures[0]?.code).toBe("FILTER_SILENT");
  await eventually(() => owner.readyCount === 2, WAIT);
});

test("a process that does not read makes its stream behind, and nothing grows", async () => {
  const clip = await encodeFilterClip();
  const supervisor = createSupervisor({ program: IDLE, unreadLimitBytes: 1_000_000 });
  const owner = new Owner(supervisor);
  await eventually(() => owner.readyCount === 1, WAIT);
  process.kill(supervisor.pids[0] as number, "SIGSTOP");
  const data = new Uint8Array(100_000);
  const { ptsUs } = clip.samples[0] as { ptsUs: number };
  const send = (sequence: number) =>
    owner.port.send({ kind: "picture", sequence, ptsUs, isKey: false, isReplay: false, data });
  const outcomes = Array.from({ length: 100 }, (_, sequence) => send(sequence));
  expect(outcomes[0]).toBe("sent");
  expect(outcomes[99]).toBe("behind");
  expect(outcomes.filter((outcome) => outcome === "sent").length).toBeLessThan(20);
});

test("a stream that the process refuses fails alone, and comes back", async () => {
  const supervisor = createSupervisor();
  const [bad, good] = [new Owner(supervisor), new Owner(supervisor)];
  await eventually(() => bad.readyCount + good.readyCount === 2, WAIT);
  bad.port.send({ kind: "config", codec: "h264", record: new Uint8Array(20) });
  await eventually(() => bad.readyCount === 2, WAIT);
  expect(bad.failures).toMatchObject([{ code: "CODEC_REFUSED" }]);
  expect(good.failures).toEqual([]);
  expect(supervisor.pids).toHaveLength(1);
});

test("an owner that restarts its stream stays in a process that is well, and gets no late replies", async () => {
  const clip = await encodeFilterClip();
  const supervisor = createSupervisor();
  const owner = new Owner(supervisor);
  await eventually(() => owner.readyCount === 1, WAIT);
  const { pids } = supervisor;
  owner.play(clip, 0, 30);
  owner.port.restart("Pictures were not answered in time");
  await eventually(() => owner.readyCount === 2, WAIT);
  expect(supervisor.pids).toEqual(pids);
  expect(owner.replies).toEqual([]);
  expect(owner.failures).toMatchObject([{ code: "FILTER_RESTARTED" }]);
  owner.play(clip, 0, 20);
  owner.port.close();
  await eventually(() => owner.closedCount === 1, WAIT);
  expect([...owner.answers("pass"), ...owner.answers("replace"), ...owner.answers("drop")]).toHaveLength(20);
  await eventually(() => supervisor.pids.length === 0, WAIT);
});

test("an owner that restarts its stream leaves a process that has stopped", async () => {
  const supervisor = createSupervisor({ program: IDLE, silenceLimitMs: 60_000 });
  const owner = new Owner(supervisor);
  await eventually(() => owner.readyCount === 1, WAIT);
  const { pids } = supervisor;
  const [pid] = pids as [number];
  process.kill(pid, "SIGSTOP");
  const seenAtMs = performance.now();
  await eventually(() => performance.now() - seenAtMs > 2_600, WAIT);
  owner.port.restart("Pictures were not answered in time");
  await eventually(() => owner.readyCount === 2, WAIT);
  await eventually(() => !isProcessAlive(pid), WAIT);
  await eventually(() => supervisor.pids.length === 1, WAIT);
  expect(owner.readyCount).toBe(2);
});

test("a program that cannot start says why, in one line", async () => {
  const path = fileURLToPath(new URL("./testing/no-such-main.ts", import.meta.url));
  const owner = new Owner(createSupervisor({ program: { path, args: [] }, restartPauseMs: 100_000 }));
  await eventually(() => owner.failures.length === 1, WAIT);
  expect(owner.failures[0]?.code).toBe("FILTER_DIED");
  expect(owner.failures[0]?.message).not.toContain("\n");
});

test("closing the supervisor ends all processes and tells all streams", async () => {
  const supervisor = createSupervisor({ program: IDLE, streamsPerProcess: 1 });
  const owners = [new Owner(supervisor), new Owner(supervisor)];
  await eventually(() => owners.every(({ readyCount }) => readyCount === 1), WAIT);
  const { pids } = supervisor;
  expect(pids).toHaveLength(2);
  await supervisor.close();
  expect(pids.map(isProcessAlive)).toEqual([false, false]);
  expect(owners.map(({ closedCount }) => closedCount)).toEqual([1, 1]);
});

test("a relay that is killed takes its filter processes along", async () => {
  const program = fileURLToPath(new URL("./testing/doomed-relay-main.ts", import.meta.url));
  const { stdout, signal } = await runTool(process.execPath, [program]);
  expect(signal).toBe("SIGKILL");
  const pid = Number(stdout);
  expect(pid).toBeGreaterThan(0);
  await eventually(() => !isProcessAlive(pid), WAIT);
});
