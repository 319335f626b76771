import type { Client } from "./client.ts";
import type { RankingConfig } from "./config.ts";
import { type OutputLimit, outputLimits } from "./engine/config/special-parameters.ts";
import type { ReactorLimits } from "./reactor.ts";

/** The parser's own limit: Redis knows none below 8 exbibytes. */
const MAX_BULK_BYTES = 536_870_912;
const MAX_REQUEST_BYTES = 2_047 * 1_048_576;
/** As the command line allows; each client takes a file descriptor. */
export const CLIENTS_LIMIT = 100_000;

/** What one client may take. CONFIG SET changes it while the server runs; times are in ms, 0 is never. */
export class ClientLimits implements ReactorLimits {
  readonly maxOutputBytes: number;
  maxBulkBytes: number;
  maxRequestBytes: number;
  maxClients: number;
  idleMs = 0;
  keepAliveMs = 0;
  #normal: OutputLimit | undefined;
  #subscriber: OutputLimit | undefined;

  constructor(config: RankingConfig) {
    this.maxOutputBytes = config.maxOutputBytes;
    this.maxBulkBytes = config.maxBulkBytes;
    this.maxRequestBytes = config.maxRequestBytes;
    this.maxClients = config.maxClients;
  }

  /** `client-output-buffer-limit`; 0 is no limit but `maxOutputBytes`, which holds beside. */
  setOutputLimits(value: string): void {
    const limits = outputLimits(value);
    this.#normal = limits.get("normal");
    this.#subscriber = limits.get("pubsub");
  }

  /** `proto-max-bulk-len`; more than 512 MiB is 512 MiB. */
  setMaxBulkBytes(bytes: number): void {
    this.maxBulkBytes = Math.min(bytes, MAX_BULK_BYTES);
  }

  /** `client-query-buffer-limit`; more than 2,047 MiB is that. */
  setMaxRequestBytes(bytes: number): void {
    this.maxRequestBytes = Math.min(bytes, MAX_REQUEST_BYTES);
  }

  /** Whether what waits for a client's socket has become too much, or has been much for too long. */
  isOverOutputLimit(client: Client, nowMs: number): boolean {
    // One reply may be longer than the server's own limit: it is there already, and only what comes behind it costs more.
    if (client.queuedBytes > this.maxOutputBytes) return true;
    const waiting = client.outputBytes;
    const limit = client.session.subscriptionCount > 0 ? this.#subscriber : this.#normal;
    if (limit === undefined) return false;
    if (limit.hardBytes > 0 && waiting > limit.hardBytes) return true;
    if (limit.softBytes === 0 || waiting <= limit.softBytes) {
      client.softSinceMs = 0;
      return false;
    }
    if (client.softSinceMs === 0) client.softSinceMs = nowMs;
    return nowMs - client.softSinceMs > 1_000 * limit.softSeconds;
  }

  /** Whether a client is silent for too long. Those who wait for something are not silent. */
  isIdle({ session }: Client, nowMs: number): boolean {
    if (this.idleMs === 0 || session.isBlocked || session.subscriptionCount > 0 || session.isMonitoring) return false;
    return nowMs - session.activeMs > this.idleMs;
  }
}
