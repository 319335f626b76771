import { createHash, randomBytes } from "node:crypto";
import { hrtime } from "node:process";
import { Engine } from "./engine/engine.ts";
import type { Shell } from "./engine/shell.ts";
import { ScriptRuntime } from "./script/script-runtime.ts";

/** An empty engine as the server and the background compaction both need it: the same batches make the same store. */
export function createEngine(hashSeed: number, shell: Partial<Shell> = {}): Engine {
  return new Engine({
    hashSeed,
    hashPassword: (bytes) => createHash("sha256").update(bytes).digest("hex"),
    clockUs,
    shell,
    scripts: new ScriptRuntime(),
  });
}

/** The id of a new data set, 16 bytes, whose hash seed is not negative. */
export function randomClusterId(): Uint8Array {
  const id = randomBytes(16);
  id[3] = (id[3] as number) & 0x7f;
  return id;
}

/** Twice as quick as `performance.now()`, which looks first on whom it is called. */
function clockUs(): number {
  const time = hrtime();
  return time[0] * 1_000_000 + time[1] / 1_000;
}

/** The hash seed of a data set: a part of the id that its files carry. */
export function hashSeedOf(clusterId: Uint8Array): number {
  return new DataView(clusterId.buffer, clusterId.byteOffset, clusterId.length).getInt32(0, true);
}
