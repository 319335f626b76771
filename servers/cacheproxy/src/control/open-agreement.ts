import type { Random, TimerClock } from "@kagami/clock";
import type { Logger } from "@kagami/kit";
import { type CacheproxyConfig, configuredCluster, poolDefaults } from "../config.ts";
import { type AgreedState, EMPTY_STATE } from "../engine/cluster-state.ts";
import type { Agreement } from "./agreement.ts";
import { ConsulAgreement } from "./consul-agreement.ts";
import { ConsulClient } from "./consul-client.ts";
import { ConsulSource } from "./consul-source.ts";
import { type DesiredSource, fixedSource } from "./desired-source.ts";
import { type ConfigReload, FileSource } from "./file-source.ts";
import { LocalAgreement } from "./local-agreement.ts";
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
 * Opens the sources that a configuration names. Only pools in a file or in Consul are kept over a restart: `--servers` is
 * for trying things out, and starts afresh each time.
 *
 * @throws FileError if the stored state cannot be used
 */
export async function openAgreement(options: OpenOptions): Promise<OpenedAgreement> {
  const { config, log, clock, reload } = options;
  const noSave = (): Promise<void> => Promise.resolve();
  const desired = configuredCluster(config);
  if (!desired) return await openConsul(options);
  if (!reload || config.servers.length > 0) {
    const agreement = new LocalAgreement(EMPTY_STATE, noSave);
    return { agreement, source: fixedSource(desired), save: noSave, closeAgreement: () => agreement.close() };
  }
  const file = new StateFile(config.data);
  const save = async (state: AgreedState): Promise<void> => {
    // A full disk must not keep a dead server in use. What it costs: ejections are forgotten if this process dies now.
    await file.write(state).catch((error: unknown) => log.error("state.save_failed", { error }));
  };
  const agreement = new LocalAgreement((await file.read()) ?? EMPTY_STATE, save);
  const source = new FileSource({ reload, initial: desired, clock, log });
  return { agreement, source, save: noSave, closeAgreement: () => agreement.close() };
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
