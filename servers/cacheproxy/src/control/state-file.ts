import { mkdir } from "node:fs/promises";
import { dirname, join } from "node:path";
import { FileError, readJsonFile, writeFileAtomic } from "@kagami/kit";
import { z } from "zod";
import type { AgreedState } from "../engine/cluster-state.ts";

const serverSchema = z.object({
  name: z.string(),
  host: z.string(),
  port: z.int(),
  weight: z.number(),
  tls: z.boolean(),
});

const placementSchema = z.object({
  kind: z.string(),
  hash: z.string().optional(),
  servers: z.array(serverSchema).min(1),
});

/** As far as a wrong shape would break what works on it; values were checked when they were agreed on. */
const stateSchema = z.object({
  cluster: z.object({
    epoch: z.int().min(0),
    config: z.object({
      pools: z.array(
        z.object({
          name: z.string(),
          placement: placementSchema,
          options: z.looseObject({ timeoutMs: z.number(), failureLimit: z.number(), recoveryLimit: z.number() }),
        }),
      ),
      routes: z.array(z.object({ prefix: z.string(), pool: z.string() })),
    }),
    ejections: z.array(
      z.object({
        pool: z.string(),
        server: z.string(),
        sinceMs: z.number(),
        stage: z.enum(["fenced", "down", "cleaning"]),
      }),
    ),
    moves: z.array(
      z.object({
        pool: z.string(),
        from: placementSchema,
        to: placementSchema,
        doneBelow: z.int().min(0).max(65_536),
        movingBelow: z.int().min(0).max(65_536),
        windowSinceMs: z.number(),
      }),
    ),
  }),
  ejected: z.array(
    z.object({
      address: z.string(),
      stage: z.enum(["fencing", "down", "rejoining", "cleaning"]),
      sinceMs: z.number(),
      stageEpoch: z.number(),
      reason: z.enum(["votes", "joined", "hand"]),
    }),
  ),
  flaps: z.array(z.object({ address: z.string(), count: z.number(), lastMs: z.number() })),
  overrides: z.array(z.object({ pool: z.string(), basis: z.string(), placement: placementSchema })),
  pausedMoves: z.array(z.string()),
  abortedMoves: z.array(z.string()),
  rearranged: z.array(z.string()),
  lastEjectionMs: z.number(),
});

/** Writes an agreed state as text. */
export function formatState(state: AgreedState): string {
  return JSON.stringify(state);
}

/** Reads what {@link formatState} wrote. @returns `undefined` if it is nothing of that kind. */
export function parseState(text: string): AgreedState | undefined {
  try {
    const parsed = stateSchema.safeParse(JSON.parse(text));
    return parsed.success ? (parsed.data as AgreedState) : undefined;
  } catch {
    return undefined; // not JSON, so not a state
  }
}

/**
 * The last agreed state on disk. With a configuration file it is what carries ejections and moves over a restart; with
 * Consul it is what a proxy starts with when Consul does not answer.
 */
export class StateFile {
  readonly #path: string;
  #writing: Promise<void> = Promise.resolve();
  #waiting: AgreedState | undefined;

  /** @param dataDir The server's data directory. */
  constructor(dataDir: string, name = "state.json") {
    this.#path = join(dataDir, "cacheproxy", name);
  }

  /** @throws FileError if there is a file and it cannot be used */
  async read(): Promise<AgreedState | undefined> {
    try {
      return (await readJsonFile(this.#path, stateSchema)) as AgreedState;
    } catch (error) {
      if (error instanceof FileError && error.code === "FILE_MISSING") return undefined;
      throw error;
    }
  }

  /** Writes it as soon as the one before is written; of several that wait, the last. Rejects with FileError. */
  write(state: AgreedState): Promise<void> {
    this.#waiting = state;
    this.#writing = this.#writing
      .catch(() => undefined) // told to its own caller
      .then(async () => {
        const next = this.#waiting;
        this.#waiting = undefined;
        if (!next) return;
        await mkdir(dirname(this.#path), { recursive: true });
        await writeFileAtomic(this.#path, formatState(next));
      });
    return this.#writing;
  }
}
