/** What a rule is about; all that is given must fit. */
export interface LifecycleFilter {
  readonly prefix: string;
  readonly tags: Readonly<Record<string, string>>;
  /** Only larger objects than this. */
  readonly sizeGreaterThan: number | undefined;
  readonly sizeLessThan: number | undefined;
}

/** When objects of a rule go to another storage class. */
export interface LifecycleTransition {
  /** Days after the object was made, 0 or more; else the date stands. */
  readonly days: number | undefined;
  /** A midnight, ms since 1970. */
  readonly dateMs: number | undefined;
  readonly storageClass: string;
}

/** A rule of a bucket's lifecycle, read and checked. */
export interface LifecycleRule {
  readonly id: string;
  readonly isEnabled: boolean;
  readonly filter: LifecycleFilter;
  /** Days after the object was made. */
  readonly expirationDays: number | undefined;
  /** A midnight, ms since 1970. */
  readonly expirationDateMs: number | undefined;
  /** Removes delete markers that hide nothing any more. */
  readonly expiredObjectDeleteMarker: boolean;
  /** Days after a version stopped being the current one. */
  readonly noncurrentDays: number | undefined;
  /** How many of the newest such versions are kept in any case. */
  readonly newerNoncurrentVersions: number;
  readonly abortUploadDays: number | undefined;
  /** Of current versions; absent for none. */
  readonly transitions?: readonly LifecycleTransition[];
}

/** What decides about an object. */
export interface LifecycleSubject {
  readonly key: string;
  readonly sizeBytes: number;
  readonly tags: Readonly<Record<string, string>>;
  readonly createdMs: number;
}

/** How long an object is to be kept; equals the store's `Retention`. */
export interface ObjectRetention {
  readonly expiresMs: number;
  readonly ruleKey: string;
  readonly retentionMs: number;
}

export const DAY_MS = 86_400_000;

/**
 * When an object expires by the first rule that ends it, or undefined if none does. Days end at the next midnight UTC,
 * as S3 rounds them, so that all objects of a day share one end and their volume is unlinked at once.
 *
 * @see https://docs.aws.amazon.com/AmazonS3/latest/userguide/intro-lifecycle-rules.html
 */
export function retentionOf(rules: readonly LifecycleRule[], subject: LifecycleSubject): ObjectRetention | undefined {
  let best: ObjectRetention | undefined;
  for (const rule of rules) {
    if (!rule.isEnabled) continue;
    const expiresMs = expiryOf(rule, subject.createdMs);
    if (expiresMs === undefined || (best && best.expiresMs <= expiresMs)) continue;
    if (!filterFits(rule.filter, subject)) continue;
    // The longest that an object of the rule may live: the same for all of them, so that they share groups.
    best = { expiresMs, ruleKey: rule.id, retentionMs: ((rule.expirationDays ?? 0) + 1) * DAY_MS };
  }
  return best;
}

function expiryOf(rule: LifecycleRule, createdMs: number): number | undefined {
  if (rule.expirationDays !== undefined) return nextMidnightMs(createdMs + rule.expirationDays * DAY_MS);
  return rule.expirationDateMs;
}

/** What rules say of an object's storage class at a time. */
export interface ClassDue {
  /** The slowest one that it is due for; undefined for none. */
  readonly storageClass: string | undefined;
  readonly sinceMs: number;
  /** When it is due for the next one; undefined for never. */
  readonly nextMs: number | undefined;
}

/**
 * The storage class that an object is due for. As with expiry, a day ends at the next midnight UTC.
 *
 * @param rankOf How slow a class is; undefined for one that the store does not have, whose transitions are passed over.
 */
export function classDue(
  rules: readonly LifecycleRule[],
  subject: LifecycleSubject,
  nowMs: number,
  rankOf: (storageClass: string) => number | undefined,
): ClassDue {
  let due: { storageClass: string; sinceMs: number; rank: number } | undefined;
  let nextMs: number | undefined;
  for (const { isEnabled, filter, transitions = NO_TRANSITIONS } of rules) {
    if (!isEnabled || transitions.length === 0 || !filterFits(filter, subject)) continue;
    for (const { days, dateMs = Number.POSITIVE_INFINITY, storageClass } of transitions) {
      const rank = rankOf(storageClass);
      if (rank === undefined) continue;
      const sinceMs = days === undefined ? dateMs : nextMidnightMs(subject.createdMs + days * DAY_MS);
      if (sinceMs > nowMs) nextMs = Math.min(nextMs ?? sinceMs, sinceMs);
      else if (due === undefined || rank > due.rank) due = { storageClass, sinceMs, rank };
    }
  }
  return { storageClass: due?.storageClass, sinceMs: due?.sinceMs ?? 0, nextMs };
}

const NO_TRANSITIONS: readonly LifecycleTransition[] = [];

/** The first midnight UTC at or behind an instant. */
function nextMidnightMs(ms: number): number {
  return Math.ceil(ms / DAY_MS) * DAY_MS;
}

/** Whether an object is one that a rule is about. */
function filterFits(filter: LifecycleFilter, { key, sizeBytes, tags }: LifecycleSubject): boolean {
  if (!key.startsWith(filter.prefix)) return false;
  if (filter.sizeGreaterThan !== undefined && sizeBytes <= filter.sizeGreaterThan) return false;
  if (filter.sizeLessThan !== undefined && sizeBytes >= filter.sizeLessThan) return false;
  for (const name of Object.keys(filter.tags)) {
    if (!Object.hasOwn(tags, name) || tags[name] !== filter.tags[name]) return false;
  }
  return true;
}

/** When an unfinished upload is to be aborted, or undefined for never. Tags and sizes do not count for uploads. */
export function uploadAbortMs(
  rules: readonly LifecycleRule[],
  upload: { readonly key: string; readonly begunMs: number },
): number | undefined {
  let best: number | undefined;
  for (const { isEnabled, filter, abortUploadDays } of rules) {
    if (!isEnabled || abortUploadDays === undefined || !upload.key.startsWith(filter.prefix)) continue;
    const abortMs = nextMidnightMs(upload.begunMs + abortUploadDays * DAY_MS);
    if (best === undefined || abortMs < best) best = abortMs;
  }
  return best;
}

/** A version of a key, newest first in its list. */
export interface LifecycleVersion extends LifecycleSubject {
  readonly versionId: string;
  readonly isDeleteMarker: boolean;
}

/**
 * What a lifecycle run does to one key of a bucket with versions. `expire` puts a delete marker in front of the current
 * version, `remove` removes a version for good.
 *
 * @param versions All versions of one key, the current one first.
 */
export function versionActions(
  rules: readonly LifecycleRule[],
  versions: readonly LifecycleVersion[],
  nowMs: number,
): { readonly kind: "expire" | "remove"; readonly versionId: string }[] {
  const actions: { kind: "expire" | "remove"; versionId: string }[] = [];
  const [current] = versions;
  if (!current) return actions;
  if (current.isDeleteMarker) {
    if (versions.length === 1 && isOrphanDue(rules, current, nowMs)) {
      actions.push({ kind: "remove", versionId: current.versionId });
    }
  } else {
    const retention = retentionOf(rules, current);
    if (retention && retention.expiresMs <= nowMs) actions.push({ kind: "expire", versionId: current.versionId });
  }
  for (const [i, version] of versions.entries()) {
    const newer = versions[i - 1];
    // A version became noncurrent when the one in front of it was made.
    if (newer && isNoncurrentDue(rules, version, { sinceMs: newer.createdMs, newerCount: i - 1, nowMs })) {
      actions.push({ kind: "remove", versionId: version.versionId });
    }
  }
  return actions;
}

function isOrphanDue(rules: readonly LifecycleRule[], marker: LifecycleVersion, nowMs: number): boolean {
  return rules.some((rule) => {
    if (!rule.isEnabled || !marker.key.startsWith(rule.filter.prefix)) return false;
    if (rule.expiredObjectDeleteMarker) return true;
    // A rule by age ends a marker that is alone as it ends an object.
    const expiresMs = Object.keys(rule.filter.tags).length === 0 ? expiryOf(rule, marker.createdMs) : undefined;
    return expiresMs !== undefined && expiresMs <= nowMs;
  });
}

function isNoncurrentDue(
  rules: readonly LifecycleRule[],
  version: LifecycleVersion,
  { sinceMs, newerCount, nowMs }: { sinceMs: number; newerCount: number; nowMs: number },
): boolean {
  return rules.some(
    (rule) =>
      rule.isEnabled &&
      rule.noncurrentDays !== undefined &&
      newerCount >= rule.newerNoncurrentVersions &&
      nextMidnightMs(sinceMs + rule.noncurrentDays * DAY_MS) <= nowMs &&
      filterFits(rule.filter, version),
  );
}
