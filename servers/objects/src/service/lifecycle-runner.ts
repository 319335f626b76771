import { setTimeout as sleep } from "node:timers/promises";
import {
  type LifecycleRule,
  type LifecycleVersion,
  retentionOf,
  uploadAbortMs,
  versionActions,
} from "../engine/lifecycle/lifecycle.ts";
import { type Bucket, type ObjectEntry, type Retention, StoreError } from "../store/object-store.ts";
import type { Service } from "./service.ts";

const PAGE_KEYS = 500;
const BYTES_PER_KEY = 65_536;
const NO_RULES: readonly LifecycleRule[] = [];
/** A key with more versions than this is done in the next run's next piece; the memory for one key stays bounded. */
const VERSION_LIMIT = 10_000;

/** What a run has done. */
export interface LifecycleReport {
  readonly keysSeen: number;
  readonly objectsRemoved: number;
  /** Objects whose end was moved because the rule that gave it has gone or was lengthened. */
  readonly objectsKept: number;
  readonly uploadsAborted: number;
}

export interface LifecycleRunnerOptions {
  readonly intervalMs: number;
  readonly keysPerSecond: number;
}

/**
 * Applies rules to what did not get its end when it was written: objects that are older than a rule, buckets with
 * versions, rules about sizes of uploads, unfinished uploads. And it takes an end back that a rule gave which has gone or
 * was lengthened. A run walks all buckets that have rules, or objects with an end, at a bounded rate;
 * nothing is remembered between runs, so a crash costs a walk.
 *
 * It removes a version only under the condition that it is still the one that was judged.
 */
export class LifecycleRunner {
  readonly #service: Service;
  readonly #options: LifecycleRunnerOptions;
  readonly #abort = new AbortController();
  #timer: NodeJS.Timeout | undefined;
  #running: Promise<LifecycleReport> | undefined;
  #wantsAgain = false;

  constructor(service: Service, options: LifecycleRunnerOptions) {
    this.#service = service;
    this.#options = options;
    this.#schedule(options.intervalMs);
  }

  /** Runs once everything under way is done; used when rules change. */
  runSoon(): void {
    if (this.#running) this.#wantsAgain = true;
    else this.#schedule(0);
  }

  /** Runs now, or joins the run that is under way. */
  run(): Promise<LifecycleReport> {
    this.#running ??= this.#walk().finally(() => {
      this.#running = undefined;
      this.#schedule(this.#wantsAgain ? 0 : this.#options.intervalMs);
      this.#wantsAgain = false;
    });
    return this.#running;
  }

  async close(): Promise<void> {
    this.#abort.abort();
    clearTimeout(this.#timer);
    // Its failure was logged, or is that it was stopped.
    await this.#running?.catch(() => undefined);
  }

  #schedule(afterMs: number): void {
    clearTimeout(this.#timer);
    if (this.#abort.signal.aborted) return;
    this.#timer = setTimeout(() => {
      this.run().catch((error: unknown) => {
        if (!this.#abort.signal.aborted) this.#service.log.error("lifecycle.failed", { error });
      });
    }, afterMs);
    this.#timer.unref();
  }

  async #walk(): Promise<LifecycleReport> {
    const report = { keysSeen: 0, objectsRemoved: 0, objectsKept: 0, uploadsAborted: 0 };
    for (const bucket of this.#service.store.buckets()) {
      const rules = this.#service.documents.lifecycle(bucket) ?? NO_RULES;
      if (rules.length === 0 && !this.#service.store.hasExpiringObjects(bucket.name)) continue;
      try {
        report.uploadsAborted += await this.#abortUploads(bucket, rules);
        const walked = bucket.versioning === "off" ? this.#walkPlain(bucket, rules) : this.#walkVersions(bucket, rules);
        const { keysSeen, objectsRemoved, objectsKept } = await walked;
        report.objectsKept += objectsKept;
        report.keysSeen += keysSeen;
        report.objectsRemoved += objectsRemoved;
      } catch (error) {
        // The bucket was removed meanwhile.
        if (!(error instanceof StoreError && error.code === "NO_SUCH_BUCKET")) throw error;
      }
    }
    if (report.objectsRemoved + report.objectsKept + report.uploadsAborted > 0)
      this.#service.log.info("lifecycle.applied", { ...report });
    return report;
  }

  async #walkPlain(bucket: Bucket, rules: readonly LifecycleRule[]) {
    const counts = { keysSeen: 0, objectsRemoved: 0, objectsKept: 0 };
    let startAfter = "";
    for (;;) {
      const page = await this.#service.store.list({
        bucket: bucket.name,
        prefix: "",
        delimiter: "",
        startAfter,
        maxKeys: PAGE_KEYS,
        versions: false,
      });
      const nowMs = this.#service.nowMs();
      for (const entry of page.entries) {
        const retention = retentionOf(rules, subjectOf(entry));
        if (retention && retention.expiresMs <= nowMs) {
          counts.objectsRemoved += (await this.#removePlain(bucket, entry)) ? 1 : 0;
        } else if (
          entry.expiresMs !== undefined &&
          entry.expiresMs < (retention?.expiresMs ?? Number.POSITIVE_INFINITY)
        ) {
          counts.objectsKept += (await this.#keep(bucket, entry, retention)) ? 1 : 0;
        }
      }
      counts.keysSeen += page.entries.length;
      if (!page.isTruncated || page.nextAfter === undefined) return counts;
      startAfter = page.nextAfter;
      await this.#pace(page.entries.length);
    }
  }

  async #removePlain(bucket: Bucket, { key, etag, modifiedMs }: ObjectEntry): Promise<boolean> {
    const { store } = this.#service;
    // The listing is a moment old: an object written since must live.
    const now = await store.head(bucket.name, key);
    if (!now || now.modifiedMs !== modifiedMs || now.etag !== etag) return false;
    return await this.#delete(bucket, key, { conditions: { etag } });
  }

  /**
   * Writes an object anew with the end that the rules give it now. A group of objects ends as a whole, so the end of one
   * cannot be moved in its place.
   */
  async #keep(bucket: Bucket, entry: ObjectEntry, retention: Retention | undefined): Promise<boolean> {
    const { store } = this.#service;
    const { key, etag, checksum, metadata, modifiedMs } = entry;
    const source = await store.open(bucket.name, key).catch((error: unknown) => {
      if (isOutrun(error)) return undefined;
      throw error;
    });
    if (!source) return false;
    try {
      if (source.entry.modifiedMs !== modifiedMs || source.entry.etag !== etag) return false;
      await store.copy({ bucket: bucket.name, key, metadata, retention, conditions: { etag } }, source, {
        etag,
        checksum,
      });
      // What it cost to read and write counts beside the keys.
      await this.#pace(Math.ceil(entry.sizeBytes / BYTES_PER_KEY));
      return true;
    } catch (error) {
      if (isOutrun(error)) return false;
      throw error;
    } finally {
      source.close();
    }
  }

  async #walkVersions(bucket: Bucket, rules: readonly LifecycleRule[]) {
    const counts = { keysSeen: 0, objectsRemoved: 0, objectsKept: 0 };
    let gathered: ObjectEntry[] = [];
    let after: { startAfter: string; startAfterVersion?: string } = { startAfter: "" };
    for (;;) {
      const page = await this.#service.store.list({
        bucket: bucket.name,
        prefix: "",
        delimiter: "",
        maxKeys: PAGE_KEYS,
        versions: true,
        ...after,
      });
      for (const entry of page.entries) {
        if (gathered[0] && gathered[0].key !== entry.key) {
          counts.objectsRemoved += await this.#applyTo(bucket, rules, gathered);
          counts.keysSeen += 1;
          gathered = [];
        }
        if (gathered.length < VERSION_LIMIT) gathered.push(entry);
      }
      if (!page.isTruncated || page.nextAfter === undefined) break;
      const { nextAfter, nextAfterVersion } = page;
      after = {
        startAfter: nextAfter,
        ...(nextAfterVersion === undefined ? {} : { startAfterVersion: nextAfterVersion }),
      };
      await this.#pace(page.entries.length);
    }
    if (gathered.length > 0) {
      counts.objectsRemoved += await this.#applyTo(bucket, rules, gathered);
      counts.keysSeen += 1;
    }
    return counts;
  }

  async #applyTo(bucket: Bucket, rules: readonly LifecycleRule[], entries: readonly ObjectEntry[]): Promise<number> {
    const versions: LifecycleVersion[] = entries.map((entry) => ({
      ...subjectOf(entry),
      versionId: entry.versionId,
      isDeleteMarker: entry.isDeleteMarker,
    }));
    let removed = 0;
    for (const { kind, versionId } of versionActions(rules, versions, this.#service.nowMs())) {
      const entry = entries.find((candidate) => candidate.versionId === versionId);
      if (!entry) continue;
      if (kind === "remove") removed += (await this.#delete(bucket, entry.key, { versionId, conditions: {} })) ? 1 : 0;
      else {
        const current = await this.#service.store.head(bucket.name, entry.key);
        if (current?.versionId !== versionId) continue;
        removed += (await this.#delete(bucket, entry.key, { conditions: { etag: entry.etag } })) ? 1 : 0;
      }
    }
    return removed;
  }

  async #delete(
    bucket: Bucket,
    key: string,
    what: { readonly versionId?: string; readonly conditions: { readonly etag?: string } },
  ): Promise<boolean> {
    try {
      await this.#service.store.delete({ bucket: bucket.name, key, ...what });
      return true;
    } catch (error) {
      if (isOutrun(error)) return false;
      throw error;
    }
  }

  async #abortUploads(bucket: Bucket, rules: readonly LifecycleRule[]): Promise<number> {
    const { store } = this.#service;
    let aborted = 0;
    let after: { startAfter: string; startAfterUpload?: string } = { startAfter: "" };
    for (;;) {
      const page = await store.listUploads({
        bucket: bucket.name,
        prefix: "",
        delimiter: "",
        maxKeys: PAGE_KEYS,
        ...after,
      });
      for (const upload of page.uploads) {
        const abortMs = uploadAbortMs(rules, upload);
        if (abortMs === undefined || abortMs > this.#service.nowMs()) continue;
        // It may have been completed or aborted meanwhile.
        await store.abortUpload(bucket.name, upload.key, upload.uploadId).catch((error: unknown) => {
          if (!(error instanceof StoreError && error.code === "NO_SUCH_UPLOAD")) throw error;
        });
        aborted += 1;
      }
      const last = page.uploads.at(-1);
      if (!page.isTruncated || !last) return aborted;
      after = { startAfter: last.key, startAfterUpload: last.uploadId };
      await this.#pace(page.uploads.length);
    }
  }

  async #pace(count: number): Promise<void> {
    await sleep((count * 1_000) / this.#options.keysPerSecond, undefined, { signal: this.#abort.signal });
  }
}

/** Somebody else was quicker, or its disk is not there: what is there then is judged in a later run. */
function isOutrun(error: unknown): boolean {
  const code = error instanceof StoreError ? error.code : undefined;
  if (code === "TIER_MISSING") return true;
  return code === "PRECONDITION_FAILED" || code === "NO_SUCH_KEY" || code === "CONFLICT";
}

function subjectOf({ key, sizeBytes, metadata, modifiedMs }: ObjectEntry) {
  return { key, sizeBytes, tags: metadata.tags, createdMs: modifiedMs };
}
