import { configSchema, startCacheproxyServer } from "@kagami/cacheproxy";
import { createLogger } from "@kagami/kit";
import { type Reference, startMemcached } from "@kagami/testkit";

/** A proxy in this process with real memcached servers behind it. */
export interface Proxied {
  readonly port: number;
  readonly servers: readonly Reference[];
  close(): Promise<void>;
}

export interface ProxiedOptions {
  readonly serverCount: number;
  /**
   * Makes every request take the slow path, by way of the inner language: all of it is shadowed to one server more, whose
   * replies are dropped.
   */
  readonly isSlow?: boolean;
}

/** Starts servers and the proxy. @throws ToolError if memcached is not installed */
export async function startProxied({ serverCount, isSlow = false }: ProxiedOptions): Promise<Proxied> {
  const started = await Promise.all(Array.from({ length: serverCount + (isSlow ? 1 : 0) }, () => startMemcached()));
  const addresses = started.map(({ port }) => `127.0.0.1:${port}`);
  const shadow = { pool: "shadow", fraction: 1 };
  const pools = [
    { name: "main", servers: addresses.slice(0, serverCount), timeoutMs: 10_000, shadow },
    { name: "shadow", servers: addresses.slice(serverCount), timeoutMs: 10_000 },
  ];
  const proxy = await startCacheproxyServer(
    configSchema.parse({
      listen: "127.0.0.1:0",
      admin: "off",
      ...(isSlow ? { pools, routes: [{ prefix: "", pool: "main" }] } : { servers: addresses, timeoutMs: 10_000 }),
    }),
    createLogger({ level: "error" }),
  );
  return {
    port: Number(proxy.addresses.memcached?.split(":").at(-1)),
    servers: started.slice(0, serverCount),
    close: async () => {
      await proxy.close();
      await Promise.all(started.map((server) => server.stop()));
    },
  };
}
