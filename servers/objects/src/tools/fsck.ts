import { locateStore } from "../replica/replica-file.ts";
import type { TierPlace } from "../storage/tiers/open-tiers.ts";
import type { CheckTotals } from "./check-store.ts";
import type { Finding, Findings, LostObject } from "./findings.ts";
import { StoreSession } from "./store-session.ts";

/** What a check found. */
export interface FsckReport extends CheckTotals {
  readonly directory: string;
  readonly errors: number;
  readonly notes: number;
  readonly lostObjects: number;
  /** 100,000 at most. */
  readonly findings: readonly Finding[];
  /** 100,000 at most. */
  readonly lost: readonly LostObject[];
}

/** Checks a store that no server has open, and changes nothing in it. @throws ObjectsError `STORE_IN_USE`, `STORE_UNREADABLE` */
export async function fsck(directory: string, nowMs: number, tiers: readonly TierPlace[] = []): Promise<FsckReport> {
  const session = await StoreSession.begin(await locateStore(directory), tiers);
  try {
    const { findings, totals } = await session.check(nowMs);
    return fsckReport(directory, findings, totals);
  } finally {
    await session.end();
  }
}

/** The report of a check. */
export function fsckReport(directory: string, findings: Findings, totals: CheckTotals): FsckReport {
  return {
    directory,
    ...totals,
    errors: findings.errorCount,
    notes: findings.noteCount,
    lostObjects: findings.lostCount,
    findings: findings.list,
    lost: findings.lost,
  };
}

/** The report for people: a line for each finding, one for each lost object, and a summary. */
export function renderFsck(report: FsckReport): string {
  const lines = report.findings.map(({ severity, code, where, what }) => `${severity} ${code} ${where}: ${what}`);
  lines.push(...report.lost.map(renderLost));
  const { directory, volumes, volumeBytes, records, objects, blobs, errors, notes, lostObjects } = report;
  lines.push(
    `${directory}: ${volumes} volumes with ${volumeBytes} bytes and ${records} records, ${objects} objects, ${blobs} large bodies`,
  );
  if (errors === 0) lines.push(`nothing is wrong; ${notes} notes`);
  else lines.push(`${errors} errors, ${lostObjects} objects cannot be read, ${notes} notes`);
  return `${lines.join("\n")}\n`;
}

/** One line. */
export function renderLost({ bucket, key, versionId, why }: LostObject): string {
  const version = versionId === "" || versionId === "null" ? "" : ` version ${versionId}`;
  return `lost ${JSON.stringify(`${bucket}/${key}`)}${version}: ${why}`;
}
