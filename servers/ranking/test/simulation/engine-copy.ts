import { digestStore } from "../../src/engine/digest/store-digest.ts";
import type { Engine } from "../../src/engine/engine.ts";
import { rebuildStore } from "../../src/engine/rebuild/rebuild.ts";
import { EngineDriver } from "../support/engine-driver.ts";

/** Makes engines that all have the same hash seed; a test of the test may spoil one. */
export type MakeEngine = () => EngineDriver;

/** An empty copy. */
export function engineMaker(hashSeed: number): MakeEngine {
  const randomBytes = (sizeBytes: number): Uint8Array => new Uint8Array(sizeBytes).fill(7);
  return () => new EngineDriver(hashSeed, { shell: { randomBytes } });
}

/** An engine that is made of another by what a snapshot would hold. */
export function rebuilt(of: Engine, make: MakeEngine): EngineDriver {
  const copy = make();
  rebuildStore(of.store, (bytes, start, end) => copy.engine.apply(bytes.slice(start, end)));
  return copy;
}

/** The digest as it is at this time: what is due then is not there. */
export function digestAt({ engine }: EngineDriver, nowMs: number): string {
  engine.store.advance(nowMs);
  return digestStore(engine.store);
}
