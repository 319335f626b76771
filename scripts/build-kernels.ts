// Compiles the WebAssembly kernels if their source has changed. `npm start` and `npm test` call it; alone, it is
// `node scripts/build-kernels.ts`.
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { heading, packageScript, root, runNode } from "./steps.ts";

const sources = join(root, "libs", "kernels", "assembly");
const dist = join(root, "libs", "kernels", "dist");
const wasm = join(dist, "kernels.wasm");
const stamp = join(root, ".cache", "kernels-built");

/** The kernels' memory is made by the caller, with a fixed size; there is no heap, and nothing that could throw. */
const FLAGS = [
  "-O3",
  "--runtime",
  "stub",
  "--enable",
  "simd",
  "--enable",
  "relaxed-simd",
  "--importMemory",
  "--noExportMemory",
  "--noAssert",
  "--use",
  "abort=",
];

/** Changes whenever a source, the compiler or its flags do. */
function sourceDigest(): string {
  const compiler = JSON.parse(readFileSync(packageScript("assemblyscript", "package.json"), "utf8")) as {
    version: string;
  };
  const hash = createHash("sha256").update(JSON.stringify([compiler.version, FLAGS]));
  for (const name of readdirSync(sources).sort()) hash.update(name).update(readFileSync(join(sources, name)));
  return hash.digest("hex");
}

/** Writes libs/kernels/dist/kernels.wasm unless it is up to date; says why if it cannot, and returns false. */
export async function buildKernels(): Promise<boolean> {
  const digest = sourceDigest();
  const isBuilt = existsSync(wasm) && existsSync(stamp) && readFileSync(stamp, "utf8") === digest;
  if (isBuilt) return true;
  heading("Building the WebAssembly kernels");
  mkdirSync(dist, { recursive: true });
  const entry = join("libs", "kernels", "assembly", "index.ts");
  const compiler = packageScript("assemblyscript", "bin", "asc.js");
  const { ok } = await runNode([compiler, entry, "--outFile", wasm, ...FLAGS]);
  if (!ok) {
    console.error(
      "✗ The WebAssembly kernels could not be built; the reason is above. " +
        "If libs/kernels/assembly is as it was committed, delete node_modules and try again",
    );
    return false;
  }
  mkdirSync(join(root, ".cache"), { recursive: true });
  writeFileSync(stamp, digest);
  return true;
}

if (import.meta.main && !(await buildKernels())) process.exit(1);
