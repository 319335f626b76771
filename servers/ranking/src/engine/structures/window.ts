import { type Container, ValueType } from "../container.ts";
import { OBJECT_BYTES } from "../key-record.ts";
import type { Heap } from "../memory/heap.ts";
import { CommandError } from "../replies.ts";
import { BlobReader } from "./blob.ts";
import { WindowMembers } from "./window-members.ts";
import { forEachBlob, readPart, type WindowParts } from "./window-parts.ts";
import { DAY_MS, Uniques, type WindowPlan } from "./window-plan.ts";
import { WindowRegisters } from "./window-registers.ts";
import { WindowRing } from "./window-ring.ts";
import { WindowTop } from "./window-top.ts";

/** Members that left the window and are removed at most with each hit. */
const SWEEP_MEMBERS = 4;

/**
 * One stream of events, counted by time: a ring of buckets for each resolution, and what tells members apart.
 *
 * Exact different members, of the last k buckets for every k, cost O(1) an event: each member is counted in the bucket of
 * its **latest** event only. On an event it moves from the old bucket to the new one; the members of the last k buckets
 * are then the sum of k numbers. The same holds at each resolution, with one time kept for each member.
 *
 *     hit ─► ring 1 s  ┐ events, members by latest event, members by bucket
 *        ├─► ring 1 min┤
 *        ├─► ...       ┘
 *        ├─► members (name -> latest event), or registers of a sliding HyperLogLog
 *        └─► sketches of the most frequent members, one for each coarse bucket
 *
 * The newest bucket is the running one: the last k buckets reach back between k - 1 and k steps.
 */
export class EventWindow implements Container, WindowParts {
  readonly type = ValueType.window;
  readonly plan: WindowPlan;
  readonly heap: Heap;
  readonly hashSeed: number;
  readonly rings: WindowRing[] = [];
  members: WindowMembers | undefined;
  registers: WindowRegisters | undefined;
  top: WindowTop | undefined;
  /** Events that came too late to be counted. */
  lateEvents = 0;
  /** The newest bucket of the coarsest ring has changed since {@link idleAtMs} was read last. */
  hasMoved = false;
  /** The time that the rings look at, and when the oldest bucket of the coarsest begins then. */
  #turnMs = Number.NaN;
  #oldestMs = 0;

  /**
   * @param nowMs Nothing older than the retention before this time will be counted.
   * @param firstBucket Of the registers, when they are being rebuilt.
   */
  constructor(heap: Heap, hashSeed: number, plan: WindowPlan, nowMs: number, firstBucket = -1) {
    this.heap = heap;
    this.hashSeed = hashSeed;
    this.plan = plan;
    for (const resolution of plan.resolutions) this.rings.push(new WindowRing(heap, resolution));
    if (plan.uniques === Uniques.exact) this.members = new WindowMembers(heap, hashSeed);
    const coarsest = this.coarsest;
    if (plan.uniques === Uniques.approximate) {
      const finest = this.rings[0]!;
      const first = this.bucketOf(finest, nowMs) - (coarsest.stepMs / finest.stepMs) * (coarsest.length + 1);
      this.registers = new WindowRegisters(heap, hashSeed, firstBucket < 0 ? Math.max(0, first) : firstBucket);
    }
    if (plan.topEntries > 0) {
      const { topEntries: entries, topStepMs: stepMs, topLength: length } = plan;
      this.top = new WindowTop(heap, hashSeed, { entries, stepMs, length });
    }
  }

  get coarsest(): WindowRing {
    return this.rings[this.rings.length - 1]!;
  }

  get size(): number {
    return this.members?.size ?? 0;
  }

  get encoding(): string {
    return this.registers === undefined ? "buckets" : "registers";
  }

  get usedBytes(): number {
    let bytes = OBJECT_BYTES * (2 + this.rings.length);
    for (const ring of this.rings) bytes += ring.usedBytes;
    if (this.members !== undefined) bytes += this.members.recordBytes + 12 * this.members.size;
    return bytes + (this.registers?.usedBytes ?? 0) + (this.top?.usedBytes ?? 0);
  }

  /** The bucket of a ring in which a time lies. */
  bucketOf(ring: WindowRing, timeMs: number): number {
    return this.numberOf(ring.stepMs, timeMs);
  }

  /** When a bucket begins, in ms. */
  startOf(ring: WindowRing, bucket: number): number {
    return this.beginningOf(ring.stepMs, bucket);
  }

  /** The number of the bucket of `stepMs` in which a time lies. */
  numberOf(stepMs: number, timeMs: number): number {
    const { zone, offsetMs } = this.plan;
    const isByZone = zone !== undefined && stepMs >= DAY_MS;
    return Math.floor((timeMs + (isByZone ? zone.offsetAt(timeMs) : offsetMs)) / stepMs);
  }

  /** When a bucket of `stepMs` begins, in ms. */
  beginningOf(stepMs: number, bucket: number): number {
    const { zone, offsetMs } = this.plan;
    return zone !== undefined && stepMs >= DAY_MS ? zone.instantOf(bucket * stepMs) : bucket * stepMs - offsetMs;
  }

  /** When the newest bucket that had events leaves the coarsest ring. */
  get idleAtMs(): number {
    return this.startOf(this.coarsest, this.coarsest.head + this.coarsest.length);
  }

  /**
   * Counts events at a time that is not after the present.
   *
   * @param member The member's name in `member[start, end)`; `undefined` for events of nobody.
   * @returns Whether they were counted; not if no ring holds their bucket any more.
   * @throws CommandError if there are too many members; nothing was changed then.
   */
  hit(nowMs: number, atMs: number, count: number, member: Uint8Array | undefined, start: number, end: number): boolean {
    const { rings } = this;
    const coarsest = this.coarsest;
    // A zone may get newer rules within a turn.
    if (nowMs !== this.#turnMs || this.plan.zone !== undefined) this.#lookAt(nowMs);
    const coarse = atMs === nowMs ? coarsest.now : this.bucketOf(coarsest, atMs);
    if (coarse <= Math.max(-1, coarsest.now - coarsest.length)) {
      this.lateEvents += count;
      return false;
    }
    const record = member === undefined || this.members === undefined ? 0 : this.#memberOf(member, start, end);
    if (coarsest.now !== coarsest.head) this.hasMoved = true;
    for (let i = 0; i < rings.length; i++) {
      const ring = rings[i]!;
      if (ring.now !== ring.head) ring.advance(ring.now);
      const bucket = this.#bucketAt(ring, atMs);
      if (bucket > ring.head - ring.length) ring.addEvents(bucket, count);
    }
    if (member === undefined) return true;
    if (this.members !== undefined) this.#see(record, atMs, member, start, end);
    if (this.registers !== undefined) this.registers.add(member, start, end, this.bucketOf(rings[0]!, atMs));
    if (this.top !== undefined) this.#rank(nowMs, atMs, count, member, start, end);
    return true;
  }

  /** Remembers where a time lies in each ring: the many hits of one turn have the same. */
  #lookAt(nowMs: number): void {
    this.#turnMs = nowMs;
    for (const ring of this.rings) {
      ring.now = this.bucketOf(ring, nowMs);
      ring.nowStartMs = this.startOf(ring, ring.now);
    }
    this.#oldestMs = this.startOf(this.coarsest, this.coarsest.now - this.coarsest.length + 1);
  }

  /** As {@link bucketOf}, of a time that is not after the turn's. */
  #bucketAt(ring: WindowRing, timeMs: number): number {
    return timeMs >= ring.nowStartMs ? ring.now : this.bucketOf(ring, timeMs);
  }

  #memberOf(member: Uint8Array, start: number, end: number): number {
    const members = this.members!;
    members.sweep(this.#oldestMs, SWEEP_MEMBERS);
    const record = members.find(member, start, end);
    if (record === 0 && members.size >= this.plan.memberLimit) {
      throw new CommandError(
        `ERR the window has its ${this.plan.memberLimit} members: make it with UNIQUES APPROX or more MEMBERS`,
      );
    }
    return record;
  }

  /** Moves a member to the bucket of its latest event, in all rings; which hold the present. */
  #see(record: number, atMs: number, member: Uint8Array, start: number, end: number): void {
    const members = this.members!;
    const { rings } = this;
    if (record === 0) {
      members.add(member, start, end, atMs);
      for (let i = 0; i < rings.length; i++) {
        const ring = rings[i]!;
        const bucket = this.#bucketAt(ring, atMs);
        if (bucket > ring.head - ring.length) ring.addMember(bucket);
      }
      return;
    }
    const latestMs = members.latestOf(record);
    if (atMs <= latestMs) return;
    members.setLatest(record, atMs);
    for (let i = 0; i < rings.length; i++) {
      const ring = rings[i]!;
      const bucket = this.#bucketAt(ring, atMs);
      const old = this.#bucketAt(ring, latestMs);
      // Coarser buckets are made of whole finer ones, so they have not changed either.
      if (old === bucket) return;
      const oldest = ring.head - ring.length;
      if (old > oldest) ring.leaveMember(old);
      if (bucket > oldest) ring.addMember(bucket);
    }
    members.moveToEnd(record);
  }

  #rank(nowMs: number, atMs: number, count: number, member: Uint8Array, start: number, end: number): void {
    const top = this.top!;
    const bucket = this.numberOf(top.stepMs, atMs);
    if (bucket <= this.numberOf(top.stepMs, nowMs) - top.length) return;
    top.add(bucket, member, start, end, count);
  }

  // Questions

  /** The finest ring that reaches back `windowMs`; `undefined` if none does. */
  ringFor(windowMs: number): WindowRing | undefined {
    return this.rings.find((ring) => windowMs <= ring.stepMs * ring.length);
  }

  /** Events of the last buckets of a ring. */
  events(ring: WindowRing, nowMs: number, buckets: number): number {
    return ring.events(this.bucketOf(ring, nowMs), buckets);
  }

  /** Different members of the last buckets of a ring; exact or estimated, as the plan says. */
  uniques(ring: WindowRing, nowMs: number, buckets: number): number {
    const now = this.bucketOf(ring, nowMs);
    if (this.registers === undefined) return ring.uniques(now, buckets);
    return this.registers.estimate(this.bucketOf(this.rings[0]!, this.startOf(ring, now - buckets + 1)));
  }

  copy(): Container {
    const copy = new EventWindow(this.heap, this.hashSeed, this.plan, 0, this.registers?.firstBucket);
    copy.lateEvents = this.lateEvents;
    let isPlan = true;
    forEachBlob(this, (blob) => {
      if (!isPlan) readPart(copy, new BlobReader(blob));
      isPlan = false;
    });
    return copy;
  }

  release(limit: number): boolean {
    if (this.members !== undefined) {
      if (this.members.release(limit) === 0) return false;
      this.members = undefined;
    }
    for (const ring of this.rings) ring.free();
    this.rings.length = 0;
    this.registers?.free();
    this.top?.free();
    this.registers = undefined;
    this.top = undefined;
    return true;
  }
}
