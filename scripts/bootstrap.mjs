// Plain JavaScript for whatever Node is on the machine: installs the locked packages if they are missing or out of
// date, then hands over to the pinned Node 24 and a TypeScript task. `npm start` and `npm test` come through here.
import { spawn, spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { delimiter, dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const stamp = join(root, "node_modules", ".kagami-installed");
const [task, ...args] = process.argv.slice(2);

function fail(what, mend) {
  console.error(`\n✗ ${what}\n  ${mend}`);
  process.exit(1);
}

function lockDigest() {
  return createHash("sha256")
    .update(readFileSync(join(root, "package-lock.json")))
    .digest("hex");
}

function install() {
  const digest = lockDigest();
  if (existsSync(stamp) && readFileSync(stamp, "utf8") === digest) return;
  console.log("• Installing the locked packages (npm ci); the first time takes a minute or two");
  const npm = process.platform === "win32" ? "npm.cmd" : "npm";
  const run = spawnSync(npm, ["ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"], {
    cwd: root,
    stdio: "inherit",
    shell: process.platform === "win32",
  });
  if (run.error) fail(`Cannot run npm: ${run.error.message}`, "Install Node with npm, then run this again.");
  if (run.status !== 0) {
    fail("npm ci failed; its message is above", "Check that the npm registry can be reached, then run this again.");
  }
  mkdirSync(dirname(stamp), { recursive: true });
  writeFileSync(stamp, digest);
}

/** The pinned Node from the npm package of this platform; the host's own where there is none and it is new enough. */
function pinnedNode() {
  const folder = `node-${process.platform === "win32" ? "win" : process.platform}-${process.arch}`;
  const name = process.platform === "win32" ? "node.exe" : "node";
  const pinned = join(root, "node_modules", folder, "bin", name);
  if (existsSync(pinned)) return pinned;
  if (Number(process.versions.node.split(".")[0]) >= 24) return process.execPath;
  return fail(
    `No pinned Node 24 is published for ${process.platform}-${process.arch}, and this is Node ${process.version}`,
    "Install Node 24 from nodejs.org, then run this again.",
  );
}

install();
const node = pinnedNode();
// In a group of its own: a terminal's Ctrl-C reaches this process alone, which hands it on, so it arrives once.
const child = spawn(node, [join(root, "scripts", `${task}.ts`), ...args], {
  cwd: root,
  stdio: ["inherit", "inherit", "inherit", "ipc"],
  env: { ...process.env, PATH: `${dirname(node)}${delimiter}${process.env.PATH ?? ""}` },
  detached: process.platform !== "win32",
});
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"]) process.on(signal, () => child.kill(signal));
child.on("error", (error) => fail(`Cannot run ${node}: ${error.message}`, "Delete node_modules and run this again."));
child.on("exit", (code) => process.exit(code ?? 1));
