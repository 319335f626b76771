import { seeds } from "@kagami/clock";
import { expect, test } from "vitest";
import { SimulatedProxy } from "../support/simulated-proxy.ts";

/** Bursts of requests at random moments of a second. */
function scheduleLoad(proxy: SimulatedProxy, clientCount: number, maxValueBytes: number): void {
  const random = proxy.random.fork("load");
  for (let i = 0; i < clientCount; i++) {
    const client = proxy.addClient();
    for (let burst = 0; burst < 6; burst++) {
      proxy.clock.after(random.int(0, 1_000), () => {
        if (!client.isClosed) client.sendBurst(random.int(1, 20), maxValueBytes);
      });
    }
  }
}

function expectNothingLeft(proxy: SimulatedProxy): void {
  expect(proxy.path.upstreams.map(({ pendingCount, stagedBytes }) => ({ pendingCount, stagedBytes }))).toEqual(
    proxy.servers.map(() => ({ pendingCount: 0, stagedBytes: 0 })),
  );
  expect(proxy.path.buffers.lentBytes).toBe(0);
}

test.each(seeds(30))("every reply is its request's, in order, and nothing is lost, seed %i", (seed) => {
  const proxy = new SimulatedProxy({ seed, lateShare: 0.1, slowShare: seed % 3 === 0 ? 0.5 : 0 });
  scheduleLoad(proxy, 6, seed % 5 === 0 ? 20_000 : 400);
  for (const client of proxy.clients) client.isExact = true;
  proxy.clock.advance(6_000);
  expect(proxy.clients.map(({ waitingCount }) => waitingCount)).toEqual(proxy.clients.map(() => 0));
  expect(proxy.clients.map(({ failureCount }) => failureCount)).toEqual(proxy.clients.map(() => 0));
  expect(proxy.clients.reduce((sum, { hitCount }) => sum + hitCount, 0)).toBeGreaterThan(0);
  expectNothingLeft(proxy);
});

test.each(seeds(80))(
  "with cuts, stalls and dead servers no reply is another's, and none is missing, seed %i",
  (seed) => {
    const proxy = new SimulatedProxy({ seed, lateShare: 0.15, slowShare: seed % 3 === 0 ? 0.5 : 0 });
    scheduleLoad(proxy, 6, seed % 4 === 0 ? 20_000 : 400);
    const random = proxy.random.fork("faults");
    for (let i = 0; i < 12; i++) {
      proxy.clock.after(random.int(0, 1_200), () => {
        const link = proxy.serverLinks[random.int(0, proxy.serverLinks.length - 1)];
        const fault = random.int(0, 4);
        if (fault <= 1) link?.cut();
        else if (fault === 2) {
          link?.stall();
          proxy.clock.after(random.int(10, 500), () => link?.resume());
        } else if (fault === 3) {
          const server = random.int(0, 2);
          proxy.downServers.add(server);
          link?.cut();
          proxy.clock.after(random.int(50, 600), () => proxy.downServers.delete(server));
        } else proxy.clientLinks[random.int(0, proxy.clientLinks.length - 1)]?.cut();
      });
    }
    proxy.clock.advance(10_000);
    const open = proxy.clients.filter(({ isClosed }) => !isClosed);
    expect(open.map(({ waitingCount }) => waitingCount)).toEqual(open.map(() => 0));
    expect(proxy.path.clients.size).toBe(open.length);
    expectNothingLeft(proxy);
  },
);

test.each(seeds(20))("a new cluster state between requests loses none, seed %i", (seed) => {
  const proxy = new SimulatedProxy({ seed, serverCount: 4, lateShare: 0.1, slowShare: 0.3 });
  scheduleLoad(proxy, 6, 400);
  for (const [i, positions] of [
    [0, 1, 2],
    [3, 2, 1, 0],
    [1, 2],
    [0, 1, 2, 3],
  ].entries()) {
    proxy.clock.after(200 + 200 * i, () => proxy.applyNext(positions));
  }
  proxy.clock.advance(30_000);
  expect(proxy.clients.map(({ waitingCount, failureCount }) => [waitingCount, failureCount])).toEqual(
    proxy.clients.map(() => [0, 0]),
  );
  expectNothingLeft(proxy);
});

test("a cluster state that is not newer than the one in use is ignored", () => {
  const proxy = new SimulatedProxy({ seed: 1 });
  const { cluster } = proxy.path;
  if (cluster) proxy.path.apply({ ...cluster, config: { pools: [], routes: [] } });
  expect(proxy.path.cluster).toBe(cluster);
});
