import { renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { loadConfig } from "@kagami/kit";
import { withTempDir } from "@kagami/testkit";
import { afterEach, beforeEach, expect, test } from "vitest";
import { configSchema } from "../../src/config.ts";
import { configReload } from "../../src/control/file-source.ts";
import { ControlWorld, type SimulatedProxy } from "./control-world.ts";

let world: ControlWorld;

beforeEach(() => {
  world = new ControlWorld();
});

afterEach(() => world.close());

function write(dir: string, servers: string, more = ""): void {
  const text = `cacheproxy:\n  data: ${dir}/data\n  pools:\n    - { name: main, servers: [${servers}]${more} }\n`;
  // As editors do it: a new file takes the old one's place.
  writeFileSync(join(dir, "new"), text);
  renameSync(join(dir, "new"), join(dir, "kagami.yaml"));
}

async function start(dir: string): Promise<SimulatedProxy> {
  const request = { argv: ["--config", join(dir, "kagami.yaml")], env: {} };
  const outcome = loadConfig({ part: "cacheproxy", schema: configSchema, ...request });
  const reload = configReload(request);
  if (outcome.kind !== "run" || !reload) throw new Error("there is no file to follow");
  return await world.start("p", outcome.config, { reload });
}

const serverNames = ({ plane }: SimulatedProxy) =>
  plane.current.config.pools[0]?.placement.servers.map(({ name }) => name);

test("a changed file is taken up while the proxy runs", () =>
  withTempDir(async (dir) => {
    write(dir, '"10.0.0.1:1"');
    const proxy = await start(dir);
    expect(serverNames(proxy)).toEqual(["10.0.0.1:1"]);
    write(dir, '"10.0.0.1:1", "10.0.0.2:1"');
    await world.until(() => serverNames(proxy)?.length === 2, "the new server");
    expect(proxy.epochs.length).toBeGreaterThan(1);
  }));

test("a broken file is refused with its reason, what was read before stays, and a mended one is taken up", () =>
  withTempDir(async (dir) => {
    write(dir, '"10.0.0.1:1"');
    const proxy = await start(dir);
    const { epoch } = proxy.plane.current;
    write(dir, '"10.0.0.1:1", "10.0.0.1:1"');
    await world.until(() => proxy.log.join("").includes("config.refused"), "the refusal");
    expect(proxy.log.join("")).toContain("servers[0] has that name already");
    expect(proxy.metrics.render()).toContain("kagami_cacheproxy_config_refused 1");
    writeFileSync(join(dir, "kagami.yaml"), "cacheproxy: [");
    await world.pass(1_000);
    expect(proxy.plane.current.epoch).toBe(epoch);
    write(dir, '"10.0.0.2:1"');
    await world.until(() => serverNames(proxy)?.[0] === "10.0.0.2:1", "the mended file");
    expect(proxy.metrics.render()).toContain("kagami_cacheproxy_config_refused 0");
  }));

test("ejections, moves and the epoch outlive a restart; what changed meanwhile is taken up after it", () =>
  withTempDir(async (dir) => {
    write(dir, '"10.0.0.1:1", "10.0.0.2:1"', ", move: true");
    const proxy = await start(dir);
    await proxy.plane.order({ kind: "eject", address: "10.0.0.1:1" });
    await world.until(() => proxy.plane.current.ejections[0]?.stage === "down", "the ejection");
    write(dir, '"10.0.0.1:1", "10.0.0.2:1", "10.0.0.3:1"', ", move: true");
    await world.until(() => proxy.plane.current.moves.length === 1, "the move");
    const before = proxy.plane.current;
    await proxy.plane.close();
    const again = await start(dir);
    expect(again.plane.current.epoch).toBeGreaterThanOrEqual(before.epoch);
    expect(again.plane.current.ejections).toContainEqual(before.ejections[0]);
    expect(again.plane.current.moves[0]?.to).toEqual(before.moves[0]?.to);
  }));

test("a stored state that cannot be read stops the start and says how to mend it", () =>
  withTempDir(async (dir) => {
    write(dir, '"10.0.0.1:1"');
    const proxy = await start(dir);
    await proxy.plane.close();
    writeFileSync(join(dir, "data/cacheproxy/state.json"), "{");
    await expect(start(dir)).rejects.toThrow("move it away to start afresh");
  }));

test("settings without pools in a file have nothing to follow", () => {
  expect(configReload({ argv: ["--servers", "a:1"], env: {}, files: [] })).toBeUndefined();
});
