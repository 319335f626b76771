import type { Logger } from "../log/logger.ts";
import { METRICS_CONTENT_TYPE, type Metrics } from "../metrics/registry.ts";
import type { Listener } from "../net/listen-tcp.ts";
import { listenHttp } from "./listen-http.ts";
import { createRouter, type Router } from "./router.ts";

/** Says why the server cannot serve just now, or `undefined` if it can. A rejection counts as a reason. */
export type ReadinessCheck = () => Promise<string | undefined> | string | undefined;

export interface AdminOptions {
  /** `host:port`; port 0 picks a free one. */
  readonly address: string;
  readonly metrics: Metrics;
  readonly log?: Logger | undefined;
  /** Adds routes of the part's own. */
  readonly addRoutes?: (router: Router) => void;
  /** Time for a whole request, where routes take large bodies; see `listenHttp`. */
  readonly requestTimeoutMs?: number;
}

/** A running admin server. */
export interface AdminServer extends Listener {
  /** Adds a check to `/readyz`. */
  addCheck(name: string, check: ReadinessCheck): void;
  /** Makes `/readyz` answer 503 from now on, so that balancers look elsewhere while the server drains. */
  startDraining(): void;
}

const CHECK_LIMIT_MS = 2_000;
const MAX_CONNECTIONS = 100;

/**
 * Serves `/healthz` (the process answers), `/readyz` (its checks pass) and `/metrics` on a listener of their own. It asks
 * for no credentials: keep it on loopback or a private network.
 *
 * @throws ListenError
 */
export async function startAdmin(options: AdminOptions): Promise<AdminServer> {
  const checks = new Map<string, ReadinessCheck>();
  let isDraining = false;
  const router = createRouter({ headers: { "cache-control": "no-store" } });
  router.add("GET", "/healthz", () => ({ json: { isHealthy: true } }));
  router.add("GET", "/readyz", async () => {
    const problems = await runChecks(checks);
    if (isDraining) problems.server = "draining";
    const isReady = Object.keys(problems).length === 0;
    return { status: isReady ? 200 : 503, json: { isReady, problems } };
  });
  router.add("GET", "/metrics", () => ({
    body: options.metrics.render(),
    headers: { "content-type": METRICS_CONTENT_TYPE },
  }));
  options.addRoutes?.(router);
  const listener = await listenHttp({
    name: "admin",
    address: options.address,
    maxConnections: MAX_CONNECTIONS,
    ...(options.requestTimeoutMs === undefined ? {} : { requestTimeoutMs: options.requestTimeoutMs }),
    metrics: options.metrics,
    log: options.log,
    onRequest: (request, response) => router.handle(request, response),
  });
  return {
    address: listener.address,
    addressText: listener.addressText,
    get connectionCount() {
      return listener.connectionCount;
    },
    close: (graceMs) => listener.close(graceMs),
    addCheck: (name, check) => {
      checks.set(name, check);
    },
    startDraining: () => {
      isDraining = true;
    },
  };
}

async function runChecks(checks: ReadonlyMap<string, ReadinessCheck>): Promise<Record<string, string>> {
  const problems: Record<string, string> = {};
  await Promise.all(
    [...checks].map(async ([name, check]) => {
      const problem = await runCheck(check);
      if (problem !== undefined) problems[name] = problem;
    }),
  );
  return problems;
}

async function runCheck(check: ReadinessCheck): Promise<string | undefined> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<string>((resolve) => {
    timer = setTimeout(() => resolve(`no answer within ${CHECK_LIMIT_MS} ms`), CHECK_LIMIT_MS);
  });
  try {
    return await Promise.race([check(), late]);
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  } finally {
    clearTimeout(timer);
  }
}
