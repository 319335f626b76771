import { expect, test } from "vitest";
import { MaintenanceView } from "../../src/admin/maintenance-view.ts";

function scrub(volumeId: number, damagedBlobs: number[]) {
  return { kind: "scrubbed", report: { volumeId, readBytes: 100, damaged: [], damagedBlobs } } as const;
}

test("what the store does by itself is counted, and the last failure kept", () => {
  const view = new MaintenanceView(() => 5_000);
  view.note({ kind: "groups-expired", count: 3 });
  view.note({ kind: "swept", count: 4 });
  view.note({ kind: "failed", task: "scrub", error: new Error("first") });
  view.note({ kind: "failed", task: "compaction", error: new Error("second") });
  view.note(scrub(1, []));
  view.note(scrub(2, []));
  expect(view.totals).toEqual({
    groupsExpired: 3,
    objectsSwept: 4,
    volumesCompacted: 0,
    volumesDivided: 0,
    volumesScrubbed: 2,
    scrubbedBytes: 200,
    volumesDamaged: 0,
    lastFailure: { task: "compaction", message: "second", atMs: 5_000 },
  });
});

test("a volume is damaged until a scrub finds it whole", () => {
  const view = new MaintenanceView(() => 5_000);
  expect(view.scrubOf(1)).toEqual({ scrubbedMs: null, isDamaged: false });
  view.note(scrub(1, [7]));
  expect(view.scrubOf(1)).toEqual({ scrubbedMs: 5_000, isDamaged: true });
  expect(view.totals.volumesDamaged).toBe(1);
  view.note(scrub(1, []));
  expect(view.scrubOf(1).isDamaged).toBe(false);
  expect(view.totals.volumesDamaged).toBe(0);
});

test("100,000 volumes are remembered", () => {
  const view = new MaintenanceView(() => 5_000);
  for (let id = 0; id <= 100_000; id++) view.note(scrub(id, []));
  expect([view.scrubOf(0).scrubbedMs, view.scrubOf(1).scrubbedMs]).toEqual([null, 5_000]);
});
