import type { Random, TimerClock } from "@kagami/clock";
import type { Logger } from "@kagami/kit";
import { type CacheproxyConfig, configuredCluster, poolDefaults } from "../config.ts";
import type { DesiredCluster } from "../engine/cluster-desired.ts";
import { type AgreedState, EMPTY_STATE } from "../engine/cluster-state.ts";
import type { Agreement } from "./agreement.ts";
import { ConsulAgreement } from "./consul-agreement.ts";
import { ConsulClient } from "./consul-client.ts";
import { ConsulSource } from "./consul-source.ts";
import { type DesiredSource, fixedSource } from "./desired-source.ts";
import { type ConfigReload, FileSource } from "./file-source.ts";
import { LocalAgreement } from "./local-agreement.ts";
import { isWorthKeeping, quickState, quickStateName } from "./quick-state.ts";
import { StateFile } from "./state-file.ts";

interface OpenOptions {
  readonly config: CacheproxyConfig;
  readonly log: Logger;
  readonly clock: TimerClock;
  readonly random: Random;
  readonly proxyId: string;
  readonly reload: ConfigReload | undefined;
}

/** What the configuration makes of where things come from and where they are agreed. */
export interface OpenedAgreement {
  readonly agreement: Agreement;
  readonly source: DesiredSource;
  /** Keeps a state that is acted by over a restart. */
  readonly save: (state: AgreedState) => Promise<void>;
  readonly closeAgreement: () => Promise<void>;
}

const CONSUL_TIMEOUT_MS = 3_000;
const CACHED_START_MS = 5_000;

/**
 * Opens the sources that a configuration names.
 *
 * @throws FileError if the stored state cannot be used
 */
export async function openAgreement(options: OpenOptions): Promise<OpenedAgreement> {
  const { config, log, clock, reload } = options;
  const desired = configuredCluster(config);
  if (!desired) return await openConsul(options);
  if (config.servers.length > 0) return await openQuick(options, desired);
  if (!reload) return openLocal(EMPTY_STATE, fixedSource(desired), noSave);
  const file = new StateFile(config.data);
  const source = new FileSource({ reload, initial: desired, clock, log });
  return openLocal((await file.read()) ?? EMPTY_STATE, source, saveTo(file, log));
}

async function openQuick({ config, log }: OpenOptions, desired: DesiredCluster): Promise<OpenedAgreement> {
  const source = fixedSource(desired);
  const name = quickStateName(config.listen);
  if (name === undefined) return openLocal(EMPTY_STATE, source, noSave);
  const file = new StateFile(config.data, name);
  const stored = await file.read();
  const save = saveTo(file, log);
  return openLocal(quickState(stored, desired), source, async (state) => {
    if (stored || isWorthKeeping(state)) await save(state);
  });
}

function openLocal(initial: AgreedState, source: DesiredSource, save: Save): OpenedAgreement {
  const agreement = new LocalAgreement(initial, save);
  return { agreement, source, save: noSave, closeAgreement: () => agreement.close() };
}

type Save = (state: AgreedState) => Promise<void>;

const noSave: Save = () => Promise.resolve();

function saveTo(file: StateFile, log: Logger): Save {
  // A full disk must not keep a dead server in use. What it costs: ejections are forgotten if this process dies now.
  return (state) => file.write(state).catch((error: unknown) => log.error("state.save_failed", { error }));
}

async function openConsul(options: OpenOptions): Promise<OpenedAgreement> {
  const { config, log, clock, random, proxyId } = options;
  const file = new StateFile(config.data);
  const cached = (await file.read()) ?? EMPTY_STATE;
  const client = new ConsulClient({ url: config.consul, token: config.consulToken, timeoutMs: CONSUL_TIMEOUT_MS });
  const shared = { client, clock, random, log, prefix: config.consulPrefix, waitMs: config.consulWaitMs };
  const agreement = new ConsulAgreement({ ...shared, proxyId, ttlMs: config.consulSessionTtlMs, initial: cached });
  const source = new ConsulSource({ ...shared, defaults: poolDefaults(config) });
  const closeAgreement = async (): Promise<void> => {
    await agreement.close();
    client.close();
  };
  if (!(await isReached(agreement, clock))) {
    const reason = agreement.trouble;
    log.warn("consul.start_without", { reason, epoch: cached.cluster.epoch, uses: "the last state that was stored" });
  }
  return { agreement, source, save: (state) => file.write(state), closeAgreement };
}

/** Whether Consul told its state, or there is nothing to start with but that. */
function isReached(agreement: Agreement, clock: TimerClock): Promise<boolean> {
  return new Promise((resolve) => {
    if (agreement.state.cluster.epoch === 0) {
      resolve(true);
      return;
    }
    const timer = clock.after(CACHED_START_MS, () => resolve(false));
    agreement.onChange(() => {
      if (agreement.trouble !== undefined) return;
      timer.cancel();
      resolve(true);
    });
  });
}
