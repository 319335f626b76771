import { afterEach, beforeEach, expect, test } from "vitest";
import { Metrics } from "../metrics/registry.ts";
import { type AdminServer, startAdmin } from "./admin.ts";

let admin: AdminServer;
let url = "";
const metrics = new Metrics();

beforeEach(async () => {
  admin = await startAdmin({
    address: "127.0.0.1:0",
    metrics,
    addRoutes: (router) => void router.add("GET", "/streams", () => ({ json: { streams: [] } })),
  });
  url = `http://${admin.addressText}`;
});
afterEach(() => admin.close());

test("health, metrics and the part's own routes are served", async () => {
  metrics.counter("frames_total", "Frames").inc(3);
  expect(await (await fetch(`${url}/healthz`)).json()).toEqual({ isHealthy: true });
  const scrape = await fetch(`${url}/metrics`);
  expect(scrape.headers.get("content-type")).toBe("text/plain; version=0.0.4; charset=utf-8");
  expect(await scrape.text()).toContain("\nframes_total 3\n");
  expect(await (await fetch(`${url}/streams`)).json()).toEqual({ streams: [] });
  expect((await fetch(`${url}/nowhere`)).status).toBe(404);
});

test("readiness names each check that fails, however it fails", async () => {
  admin.addCheck("good", () => undefined);
  expect((await fetch(`${url}/readyz`)).status).toBe(200);
  admin.addCheck("full", () => "disk is full");
  admin.addCheck("broken", () => Promise.reject(new Error("no connection")));
  admin.addCheck("throws", () => {
    throw new Error("bug");
  });
  const response = await fetch(`${url}/readyz`);
  expect(response.status).toBe(503);
  expect(await response.json()).toEqual({
    isReady: false,
    problems: { full: "disk is full", broken: "no connection", throws: "bug" },
  });
});

test("a server that drains is alive and not ready", async () => {
  admin.startDraining();
  expect((await fetch(`${url}/healthz`)).status).toBe(200);
  expect(await (await fetch(`${url}/readyz`)).json()).toEqual({ isReady: false, problems: { server: "draining" } });
});
