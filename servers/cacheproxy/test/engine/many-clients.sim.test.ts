import { seeds } from "@kagami/clock";
import { expect, test } from "vitest";
import { SimulatedProxy } from "../support/simulated-proxy.ts";

const CLIENTS = 2_500;

test.each(seeds(1))(
  `${CLIENTS} clients at once: every reply is its own request's, seed %i`,
  (seed) => {
    const proxy = new SimulatedProxy({ seed, lateShare: 0.1, slowShare: 0.2 });
    const random = proxy.random.fork("load");
    for (let i = 0; i < CLIENTS; i++) {
      const client = proxy.addClient(3);
      client.isExact = true;
      for (let burst = 0; burst < 3; burst++) {
        proxy.clock.after(random.int(1, 400), () => client.sendBurst(random.int(2, 6), 120));
      }
    }
    proxy.clock.advance(6_000);
    expect(proxy.clients.filter(({ waitingCount }) => waitingCount > 0).length).toBe(0);
    expect(proxy.clients.reduce((sum, { failureCount }) => sum + failureCount, 0)).toBe(0);
    expect(proxy.clients.reduce((sum, { replyCount }) => sum + replyCount, 0)).toBeGreaterThan(5 * CLIENTS);
    expect(proxy.clients.reduce((sum, { hitCount }) => sum + hitCount, 0)).toBeGreaterThan(CLIENTS);
  },
  60_000,
);
