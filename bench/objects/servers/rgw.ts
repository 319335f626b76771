import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { eventually, findCommand, freePort, type Reference, runTool, startReference } from "@kagami/testkit";
import type { LocalPeer } from "./peer.ts";

const CREDENTIALS = { accessKey: "RGWBENCHACCESSKEY", secretKey: "rgw-bench-secret-key-0123456789abcdefghi" };
const DEBIAN_PACKAGES = "radosgw ceph-mon ceph-osd ceph-mgr";
const START_MS = 120_000;

/** Whether Ceph's gateway can be started here; it is a peer where it can and left out where it cannot. */
export function hasRgw(): boolean {
  try {
    for (const command of ["radosgw", "ceph-mon", "ceph-osd", "ceph-mgr"]) findCommand(command, DEBIAN_PACKAGES);
    return true;
  } catch {
    // Not installed: the scenario says so.
    return false;
  }
}

/**
 * Ceph's RGW over one OSD (BlueStore in a file, one copy of everything) with one monitor and one manager, on loopback.
 * CPU counts gateway and OSD. Up in about half a minute.
 *
 * @throws ToolError
 */
export async function startRgw(): Promise<LocalPeer> {
  const dir = await mkdtemp(join(tmpdir(), "kagami-bench-ceph-"));
  const daemons: Reference[] = [];
  const stop = async (): Promise<void> => {
    for (const daemon of daemons.toReversed()) await daemon.stop(10_000);
    await rm(dir, { recursive: true, force: true });
  };
  try {
    const conf = await prepare(dir);
    const daemon = async (command: string, args: readonly string[]): Promise<Reference> => {
      const started = await startReference({
        command,
        args: () => ["-c", conf, ...args, "-f"],
        // Their readiness is asked for by `ceph`, below.
        ready: /(?:)/,
        debianPackage: DEBIAN_PACKAGES,
      });
      daemons.push(started);
      return started;
    };
    await daemon("ceph-mon", ["-i", "a"]);
    await ceph(conf, "osd", "new", OSD_ID, "0");
    await daemon("ceph-mgr", ["-i", "x", "--mgr-data", join(dir, "mgr")]);
    await tool("ceph-osd", ["-c", conf, "-i", "0", "--mkfs", "--osd-uuid", OSD_ID]);
    const osd = await daemon("ceph-osd", ["-i", "0"]);
    await eventually(async () => /\b1 up\b/.test(await ceph(conf, "osd", "stat")), { timeoutMs: START_MS });
    const { accessKey, secretKey } = CREDENTIALS;
    const user = ["user", "create", "--uid=bench", "--display-name=bench"];
    await tool("radosgw-admin", ["-c", conf, ...user, `--access-key=${accessKey}`, `--secret-key=${secretKey}`]);
    const port = await freePort();
    const frontend = `beast endpoint=127.0.0.1:${port} tcp_nodelay=1`;
    const rgw = await daemon("radosgw", ["-n", "client.rgw.a", "--rgw-frontends", frontend]);
    const endpoint = `http://127.0.0.1:${port}`;
    await eventually(async () => (await fetch(endpoint)).status === 200, { timeoutMs: START_MS });
    const { stdout } = await runTool("radosgw", ["--version"]);
    const version = `Ceph RGW ${/version ([\d.]+)/.exec(stdout)?.[1] ?? "unknown"} with one OSD`;
    return { name: "rgw", endpoint, credentials: CREDENTIALS, pids: [rgw.pid, osd.pid], version, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

const FILE_SYSTEM_ID = "5f0c1d6e-9a44-4b8e-8f43-6b2f0d3a7c11";
const OSD_ID = "0c6d2b5a-54e1-4a2b-b7c8-2f9f7f1f7a22";

/** Writes settings, keys and the monitor's first state. @returns The path of the settings. */
async function prepare(dir: string): Promise<string> {
  const conf = join(dir, "ceph.conf");
  const keyring = join(dir, "keyring");
  const [v2, v1] = [await freePort(), await freePort()];
  const monitor = `[v2:127.0.0.1:${v2},v1:127.0.0.1:${v1}]`;
  for (const name of ["mon", "osd", "mgr", "run"]) await mkdir(join(dir, name));
  await writeFile(conf, settingsOf(dir, keyring, monitor));
  await tool("ceph-authtool", ["--create-keyring", keyring, "--gen-key", "-n", "mon.", "--cap", "mon", "allow *"]);
  const all = ["mon", "osd", "mds", "mgr"].flatMap((service) => ["--cap", service, "allow *"]);
  for (const name of ["client.admin", "client.rgw.a", "mgr.x", "osd.0"])
    await tool("ceph-authtool", [keyring, "--gen-key", "-n", name, ...all]);
  const map = join(dir, "monmap");
  await tool("monmaptool", ["--create", "--fsid", FILE_SYSTEM_ID, "--addv", "a", monitor, map]);
  await tool("ceph-mon", ["-c", conf, "--keyring", keyring, "--mkfs", "-i", "a", "--monmap", map]);
  return conf;
}

function settingsOf(dir: string, keyring: string, monitor: string): string {
  return `[global]
fsid = ${FILE_SYSTEM_ID}
keyring = ${keyring}
mon initial members = a
mon host = ${monitor}
public network = 127.0.0.0/8
osd pool default size = 1
osd pool default min size = 1
osd pool default pg num = 8
osd pool default pg autoscale mode = off
osd crush chooseleaf type = 0
mon allow pool size one = true
mon warn on pool no redundancy = false
mon max pg per osd = 1000
osd objectstore = bluestore
bluestore block size = 32212254720
osd memory target = 1500000000
mon data = ${dir}/mon
osd data = ${dir}/osd
run dir = ${dir}/run
log file = ${dir}/run/$name.log
admin socket = ${dir}/run/$name.$pid.asok
pid file = ${dir}/run/$name.pid
`;
}

function ceph(conf: string, ...args: string[]): Promise<string> {
  return tool("ceph", ["-c", conf, "--connect-timeout", "60", ...args]);
}

async function tool(command: string, args: readonly string[]): Promise<string> {
  const options = { mustSucceed: true, timeoutMs: START_MS, debianPackage: DEBIAN_PACKAGES };
  return (await runTool(command, args, options)).stdout;
}
