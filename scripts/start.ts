// `npm start`: builds the kernels and the web app if their source has changed, then runs the whole platform with a demo broadcast.
import { spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { buildKernels } from "./build-kernels.ts";
import { heading, packageScript, root, runNode } from "./steps.ts";

const webApp = join(root, "web", "app");
const stamp = join(root, ".cache", "web-app-built");

/** Changes whenever a file that the build reads does. */
function sourceDigest(): string {
  const hash = createHash("sha256").update(readFileSync(join(root, "package-lock.json")));
  const names = readdirSync(webApp, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
    .filter((path) => !/[/\\](dist|node_modules|test)[/\\]/.test(path))
    .sort();
  for (const name of names) hash.update(name).update(readFileSync(name));
  return hash.digest("hex");
}

async function buildWebApp(): Promise<boolean> {
  const digest = sourceDigest();
  const isBuilt = existsSync(join(webApp, "dist", "index.html")) && existsSync(stamp);
  if (isBuilt && readFileSync(stamp, "utf8") === digest) return true;
  heading("Building the web app");
  const { ok } = await runNode([packageScript("vite", "bin", "vite.js"), "build"], { cwd: webApp });
  if (!ok) return false;
  mkdirSync(join(root, ".cache"), { recursive: true });
  writeFileSync(stamp, digest);
  return true;
}

if (!(await buildKernels())) process.exit(1);
if (!(await buildWebApp())) {
  console.error("✗ The web app could not be built; the reason is above. Delete node_modules and run npm start again");
  process.exit(1);
}
heading("Starting the platform with a demo broadcast");
const command = join(root, "tools", "cli", "bin", "kagami.mjs");
const child = spawn(process.execPath, [command, "up", "--demo", ...process.argv.slice(2)], {
  cwd: root,
  stdio: ["inherit", "inherit", "inherit", "ipc"],
});
for (const signal of ["SIGINT", "SIGTERM"] as const) process.on(signal, () => child.kill(signal));
process.on("disconnect", () => child.kill("SIGTERM"));
child.on("exit", (code) => process.exit(code ?? 1));
