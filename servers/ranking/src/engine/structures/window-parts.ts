import { CommandError } from "../replies.ts";
import type { Zones } from "../zones.ts";
import { BAD_BLOB, BLOB_BYTES, type BlobReader, BlobWriter, textBytes } from "./blob.ts";
import { readZone } from "./board-load.ts";
import { MAX_MEMBER_BYTES, type WindowMembers } from "./window-members.ts";
import { checkPlan, PlanLimit, type Resolution, Uniques, type UniquesMode, type WindowPlan } from "./window-plan.ts";
import { REGISTER_BLOCKS, type WindowRegisters } from "./window-registers.ts";
import type { WindowRing } from "./window-ring.ts";
import type { WindowTop } from "./window-top.ts";

/** What a blob has in it: its first byte. Kept in snapshots: never change one. */
export const WindowPart = { plan: 1, ring: 2, members: 3, registers: 4, sketch: 5, limiter: 6 } as const;

const LARGEST = Number.MAX_SAFE_INTEGER;

/** A window as its parts. */
export interface WindowParts {
  readonly plan: WindowPlan;
  readonly rings: readonly WindowRing[];
  readonly members: WindowMembers | undefined;
  readonly registers: WindowRegisters | undefined;
  readonly top: WindowTop | undefined;
  readonly lateEvents: number;
}

/** What the first blob of a window says. */
export interface WindowHead {
  readonly plan: WindowPlan;
  readonly lateEvents: number;
  /** Of the registers; -1 if there are none. */
  readonly firstBucket: number;
}

/** Visits the parts of a window as blobs of at most some 64 KiB, the plan first. */
export function forEachBlob(window: WindowParts, visit: (blob: Uint8Array) => void): void {
  const blob = new BlobWriter();
  writePlan(blob.byte(WindowPart.plan), window);
  visit(blob.take());
  for (const [i, ring] of window.rings.entries()) {
    ring.write(blob.byte(WindowPart.ring).byte(i));
    visit(blob.take());
  }
  blob.byte(WindowPart.members);
  window.members?.forEach((name, latestMs) => {
    blob.name(name).double(latestMs);
    if (blob.length < BLOB_BYTES) return;
    visit(blob.take());
    blob.byte(WindowPart.members);
  });
  visit(blob.take());
  for (let i = 0; window.registers !== undefined && i < REGISTER_BLOCKS; i++) {
    window.registers.write(blob.byte(WindowPart.registers).byte(i), i);
    visit(blob.take());
  }
  for (let slot = 0; window.top !== undefined && slot < window.top.length; slot++) {
    if (!window.top.isUsed(slot)) continue;
    window.top.write(blob.byte(WindowPart.sketch), slot);
    visit(blob.take());
  }
}

function writePlan(blob: BlobWriter, window: WindowParts): void {
  const { plan } = window;
  blob
    .byte(plan.uniques)
    .byte(plan.expires ? 1 : 0)
    .word(plan.memberLimit)
    .word(plan.topEntries);
  blob.double(plan.topStepMs).word(plan.topLength).word(plan.offsetMs).double(window.lateEvents);
  blob.double(window.registers?.firstBucket ?? -1).byte(plan.resolutions.length);
  for (const { stepMs, length } of plan.resolutions) blob.double(stepMs).word(length);
  if (plan.zone !== undefined) blob.name(textBytes(plan.zone.name));
}

/** Reads the blob of the plan, behind its first byte. */
export function readPlan(blob: BlobReader, zones: Zones): WindowHead {
  const uniques = blob.byte();
  const expires = blob.byte() === 1;
  const [memberLimit, topEntries] = [blob.word(), blob.word()];
  const [topStepMs, topLength, offsetMs] = [blob.double(), blob.word(), blob.word()];
  const lateEvents = blob.whole(0, LARGEST);
  const firstBucket = blob.whole(-1, LARGEST);
  const resolutions: Resolution[] = [];
  for (let left = blob.byte(); left > 0; left--) resolutions.push({ stepMs: blob.double(), length: blob.word() });
  if (uniques > Uniques.approximate) throw new CommandError(BAD_BLOB);
  const plan: WindowPlan = {
    resolutions,
    uniques: uniques as UniquesMode,
    memberLimit,
    topEntries,
    topStepMs,
    topLength,
    offsetMs,
    zone: readZone(blob, zones),
    expires,
  };
  // Newer rules of the zone may have a step that no longer fits: the window was made with others.
  checkPlan({ ...plan, zone: undefined });
  return { plan, lateEvents, firstBucket };
}

function readMembers(blob: BlobReader, window: WindowParts): void {
  const { members } = window;
  while (!blob.isAtEnd) {
    const name = blob.name(MAX_MEMBER_BYTES);
    const latestMs = blob.whole(-PlanLimit.offsetMs, LARGEST);
    if (members === undefined || members.find(name, 0, name.length) !== 0) throw new CommandError(BAD_BLOB);
    members.add(name, 0, name.length, latestMs);
  }
}

/** Adds what a blob has, but the plan, to a window. Returns whether it can come here. */
export function readPart(window: WindowParts, blob: BlobReader): boolean {
  const part = blob.byte();
  const index = part === WindowPart.ring || part === WindowPart.registers ? blob.byte() : 0;
  if (part === WindowPart.ring && window.rings[index] !== undefined) window.rings[index].read(blob);
  else if (part === WindowPart.registers && window.registers !== undefined && index < REGISTER_BLOCKS) {
    window.registers.read(blob, index);
  } else if (part === WindowPart.sketch && window.top !== undefined) window.top.read(blob);
  else if (part === WindowPart.members) readMembers(blob, window);
  else return false;
  return true;
}
