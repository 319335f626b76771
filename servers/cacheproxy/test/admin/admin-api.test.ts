import { type AdminServer, startAdmin } from "@kagami/kit";
import { afterEach, beforeEach, expect, test } from "vitest";
import { LATENCY_BOUNDS_US } from "../../src/engine/cluster-counts.ts";
import { ControlWorld, type SimulatedProxy } from "../control/control-world.ts";

const SERVERS = ["10.0.0.1:11211", "10.0.0.2:11211", "10.0.0.3:11211"];
const TOKEN = "0123456789abcdef";

let world: ControlWorld;
let admin: AdminServer | undefined;

beforeEach(() => {
  world = new ControlWorld();
});

afterEach(async () => {
  await admin?.close();
  admin = undefined;
  await world.close();
});

async function start(settings: Record<string, unknown> = {}): Promise<SimulatedProxy> {
  const proxy = await world.start("p", { servers: SERVERS, ...settings });
  const { metrics, plane } = proxy;
  admin = await startAdmin({ address: "127.0.0.1:0", metrics, addRoutes: (router) => plane.addAdminRoutes(router) });
  return proxy;
}

async function ask(method: string, path: string, options: { body?: unknown; headers?: Record<string, string> } = {}) {
  const { body, headers } = options;
  const response = await fetch(`http://${admin?.addressText}${path}`, {
    method,
    headers: { ...(method === "GET" ? {} : { "content-type": "application/json" }), ...headers },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  const text = await response.text();
  const isJson = (response.headers.get("content-type") ?? "").startsWith("application/json");
  return { status: response.status, json: isJson ? JSON.parse(text) : undefined, text, headers: response.headers };
}

/** What a worker might report. */
function report(epoch: number, topKeys: readonly { keyBase64: string; perSecond: number }[] = []) {
  const latency = LATENCY_BOUNDS_US.map(() => 0).concat(0);
  latency[2] = 10;
  const route = { pool: "main", prefix: "", reads: 8, readHits: 6, writes: 2, deletes: 0, touches: 0, failures: 1 };
  const server = { address: SERVERS[0] ?? "", requests: 10, bytesOut: 100, bytesIn: 900, connectionFailures: 0 };
  const now = { timeouts: 1, overloads: 0, inFlight: 3, stagedBytes: 5, isConnected: true };
  const gutter = { gutterReads: 0, gutterHits: 0, gutterWrites: 0, shadowSent: 0, shadowFailed: 0, hotReads: 4 };
  return {
    ...{ workerId: 1, epoch, clients: 2, clientsAccepted: 2, clientsRefused: 0 },
    routes: [{ ...route, latency, latencySumUs: 2_000 }],
    servers: [{ ...server, ...now, latency, latencySumUs: 2_000 }],
    pools: [{ pool: "main", ...gutter, moveHitsTo: 0, moveHitsFrom: 0, moveMisses: 0, topKeys }],
  };
}

test("the overview tells the epoch, each server's state and what workers report", async () => {
  const { plane } = await start();
  await world.pass(5_000);
  plane.report(report(plane.current.epoch, [{ keyBase64: btoa("hot"), perSecond: 90 }]));
  await world.pass(1_000);
  const { json } = await ask("GET", "/api/status");
  expect(json).toMatchObject({ proxyId: "p", epoch: 1, isLeader: true, pending: [], workers: [{ clients: 2 }] });
  expect(json.pools[0].servers[0]).toMatchObject({
    address: SERVERS[0],
    state: "in use",
    vote: "up",
    now: { inFlight: 3, connections: 1 },
    recent: { perSecond: 1, p99Us: 200 },
  });
  expect(json.pools[0].topKeys).toEqual([{ key: "hot", keyBase64: btoa("hot"), perSecond: 90 }]);
  expect((await ask("GET", "/api/pools/main/top-keys")).json).toHaveLength(1);
});

test("metrics count requests by pool, prefix and server, with latency histograms", async () => {
  const { plane } = await start();
  plane.report(report(1));
  plane.report(report(1));
  const { text } = await ask("GET", "/metrics");
  expect(text).toContain('kagami_cacheproxy_requests_total{pool="main",prefix="",kind="read"} 16');
  expect(text).toContain('kagami_cacheproxy_read_hits_total{pool="main",prefix=""} 12');
  expect(text).toContain('kagami_cacheproxy_request_seconds_bucket{pool="main",prefix="",le="0.0002"} 20');
  expect(text).toContain('kagami_cacheproxy_request_seconds_sum{pool="main",prefix=""} 0.004');
  expect(text).toContain('kagami_cacheproxy_server_failures_total{server="10.0.0.1:11211",kind="timeout"} 2');
  expect(text).toContain('kagami_cacheproxy_server_in_flight{server="10.0.0.1:11211"} 3');
  plane.workerGone(1);
  const after = (await ask("GET", "/metrics")).text;
  expect(after).not.toContain("server_in_flight{");
  expect(after).toContain('kagami_cacheproxy_server_requests_total{server="10.0.0.1:11211"} 20');
});

test("slots are told by owner, and where a key is", async () => {
  await start();
  const { json } = await ask("GET", "/api/pools/main/slots");
  expect(json.owners.reduce((sum: number, { slots }: { slots: number }) => sum + slots, 0)).toBe(65_536);
  const place = (await ask("GET", "/api/pools/main/slots?key=a%20b")).json;
  expect(place).toMatchObject({ key: "a b", state: "stable" });
  expect(place.ranking[0]).toBe(place.owner.name);
  expect(place.ranking).toHaveLength(3);
});

test("a server is ejected and readmitted by hand", async () => {
  const { plane } = await start();
  await world.pass(4_000);
  expect((await ask("POST", "/api/servers/10.0.0.1:11211/eject")).status).toBe(200);
  expect(plane.current.ejections).toHaveLength(1);
  expect(await ask("POST", "/api/servers/10.0.0.1:11211/eject")).toMatchObject({
    status: 409,
    json: { error: { code: "SERVER_EJECTED" } },
  });
  expect((await ask("POST", "/api/servers/10.0.0.9:1/eject")).json.error.code).toBe("SERVER_UNKNOWN");
  expect((await ask("POST", "/api/servers/10.0.0.1:11211/readmit", { body: {} })).status).toBe(200);
  await world.until(() => plane.current.ejections.length === 0, "the rejoin");
});

test("a move is started, paused, resumed and aborted", async () => {
  const { plane } = await start();
  await world.pass(4_000);
  const body = { servers: [...SERVERS, "10.0.0.4:11211=2"] };
  expect((await ask("POST", "/api/pools/main/move", { body })).status).toBe(200);
  await world.until(() => plane.current.moves.length === 1, "the move");
  expect((await ask("POST", "/api/pools/main/move", { body })).json.error.code).toBe("MOVE_UNDER_WAY");
  expect((await ask("POST", "/api/pools/main/move/pause")).status).toBe(200);
  const { json } = await ask("GET", "/api/moves");
  expect(json).toMatchObject([{ pool: "main", isPaused: true, doneSlots: 0, to: { placement: "slots" } }]);
  expect(json[0].waitsFor).toEqual(["10.0.0.4:11211"]);
  expect((await ask("POST", "/api/pools/main/move/resume")).status).toBe(200);
  expect((await ask("POST", "/api/pools/main/move/abort")).status).toBe(200);
  expect((await ask("POST", "/api/pools/main/move/pause")).json.error.code).toBe("MOVE_ABORTED");
  await world.until(() => plane.current.moves.length === 0, "the end of the move");
  await world.pass(2_000);
  expect(plane.current.moves).toEqual([]);
  expect(plane.current.config.pools[0]?.placement.servers).toHaveLength(3);
  expect((await ask("POST", "/api/pools/main/move/abort")).json.error.code).toBe("MOVE_UNKNOWN");
});

test.each([
  { body: { servers: ["10.0.0.1:11211", "10.0.0.1:11211"] }, why: "a server twice" },
  { body: { placement: "pymemcache-rendezvous", servers: ["10.0.0.1:11211=2"] }, why: "a weight the kind has not" },
  { body: { placement: "nonsense" }, why: "no such placement" },
  { body: { server: [] }, why: "an unknown name" },
  { body: { servers: [] }, why: "no server" },
])("a move is refused: $why", async ({ body }) => {
  const { plane } = await start();
  expect((await ask("POST", "/api/pools/main/move", { body })).status).toBe(400);
  await world.pass(1_000);
  expect(plane.current.epoch).toBe(1);
});

test("with a token everything but the page, health and metrics asks for it", async () => {
  await start({ adminToken: TOKEN });
  expect((await ask("GET", "/api/status")).status).toBe(401);
  expect((await ask("POST", "/api/config/reload")).status).toBe(401);
  expect((await ask("GET", "/api/status", { headers: { authorization: `Bearer ${TOKEN}x` } })).status).toBe(401);
  expect((await ask("GET", "/api/status", { headers: { authorization: `Bearer ${TOKEN}` } })).status).toBe(200);
  for (const path of ["/", "/healthz", "/metrics"]) expect((await ask("GET", path)).status).toBe(200);
});

test("without a token a page of another site can neither read nor change", async () => {
  await start();
  const port = admin?.address.port;
  const { request } = await import("node:http");
  const status = await new Promise((resolve, reject) => {
    const headers = { host: "evil.example:80" };
    const asked = request({ host: "127.0.0.1", port, path: "/api/status", headers }, (response) => {
      response.resume();
      resolve(response.statusCode);
    });
    asked.on("error", reject).end();
  });
  expect(status).toBe(403);
  const form = { headers: { "content-type": "text/plain" } };
  expect((await ask("POST", "/api/servers/10.0.0.1:11211/eject", form)).status).toBe(415);
  expect((await ask("GET", "/api/status")).headers.get("access-control-allow-origin")).toBeNull();
});
