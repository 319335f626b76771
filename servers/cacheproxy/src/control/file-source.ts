import { type FSWatcher, watch } from "node:fs";
import { basename, dirname, resolve } from "node:path";
import type { Timer, TimerClock } from "@kagami/clock";
import { type Logger, loadConfig } from "@kagami/kit";
import { type CacheproxyConfig, configSchema, configuredCluster } from "../config.ts";
import type { DesiredCluster } from "../engine/cluster-desired.ts";
import { isSame } from "../engine/cluster-state.ts";
import type { DesiredSource } from "./desired-source.ts";

/** Where a running proxy reads its configuration again. */
export interface ConfigReload {
  /** The file that pools and routes are in. */
  readonly path: string;
  /** Reads all sources of settings again. @throws ConfigError */
  readonly read: () => CacheproxyConfig;
}

/**
 * What is needed to read the configuration again, from what it was read from the first time.
 *
 * @returns `undefined` if pools and routes are in no file, so that there is nothing to follow.
 * @throws ConfigError
 */
export function configReload(request: {
  readonly argv: readonly string[];
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly files?: readonly string[];
}): ConfigReload | undefined {
  const load = () => loadConfig({ part: "cacheproxy", schema: configSchema, ...request });
  const outcome = load();
  if (outcome.kind !== "run") return undefined;
  const source = outcome.settings.find(({ setting, source: from }) => setting.key === "pools" && from.kind === "file");
  if (source?.source.kind !== "file") return undefined;
  const read = (): CacheproxyConfig => {
    const again = load();
    if (again.kind !== "run") throw new RangeError("Cannot read the configuration again: it asks for a text");
    return again.config;
  };
  return { path: resolve(source.source.path), read };
}

export interface FileSourceOptions {
  readonly reload: ConfigReload;
  readonly initial: DesiredCluster;
  readonly clock: TimerClock;
  readonly log: Logger;
}

/** Editors write a file in several steps; they are over by then. */
const SETTLE_MS = 100;

/**
 * Follows the pools and routes in the configuration file. A file that is wrong changes nothing: it is told, with all that
 * is wrong, and what was read before stays in use. Other settings are taken at the next start.
 */
export class FileSource implements DesiredSource {
  readonly #options: FileSourceOptions;
  readonly #listeners: (() => void)[] = [];
  readonly #watcher: FSWatcher;
  #desired: DesiredCluster;
  #problem: string | undefined;
  #timer: Timer | undefined;

  readonly critical: ReadonlySet<string> = new Set();

  constructor(options: FileSourceOptions) {
    this.#options = options;
    this.#desired = options.initial;
    const { path } = options.reload;
    // The directory, because the file itself is replaced by another when it is saved, or by a symbolic link's new target.
    this.#watcher = watch(dirname(path), (_event, name) => {
      if (name === null || name === basename(path) || name.startsWith("..")) this.#soon();
    });
    this.#watcher.on("error", (error) => {
      options.log.error("config.watch_failed", { path, error });
    });
  }

  get desired(): DesiredCluster {
    return this.#desired;
  }

  get problem(): string | undefined {
    return this.#problem;
  }

  onChange(listener: () => void): void {
    this.#listeners.push(listener);
  }

  async reload(): Promise<void> {
    const { reload, log } = this.#options;
    try {
      const desired = configuredCluster(reload.read());
      if (!desired)
        throw new RangeError(`Cannot go over to Consul while running: restart with ${reload.path} as it is now`);
      this.#problem = undefined;
      if (isSame(desired, this.#desired)) return;
      this.#desired = desired;
      log.info("config.reloaded", { path: reload.path, pools: desired.pools.length, routes: desired.routes.length });
    } catch (error) {
      this.#problem = error instanceof Error ? error.message : String(error);
      log.error("config.refused", { path: reload.path, reason: this.#problem, kept: "the pools and routes in use" });
      throw error;
    } finally {
      for (const listener of this.#listeners) listener();
    }
  }

  close(): void {
    this.#timer?.cancel();
    this.#watcher.close();
  }

  #soon(): void {
    this.#timer?.cancel();
    this.#timer = this.#options.clock.after(SETTLE_MS, () => {
      void this.reload().catch(() => undefined); // logged there
    });
  }
}
