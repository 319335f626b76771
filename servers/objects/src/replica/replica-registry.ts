import { join } from "node:path";
import { FileError, hashSecret, randomToken, readJsonFile, writeFileAtomic } from "@kagami/kit";
import { z } from "zod";

/** A replica's name: in metrics, logs and paths of the admin API. */
const REPLICA_NAME = /^[a-zA-Z0-9._-]{1,64}$/;

const registryFileSchema = z.strictObject({
  version: z.literal(1),
  replicas: z.array(
    z.strictObject({ name: z.string().regex(REPLICA_NAME), tokenHash: z.string().length(64), createdMs: z.number() }),
  ),
});

/** Who may follow the store. */
export interface RegisteredReplica {
  readonly name: string;
  /** SHA-256 of its token, which is told once and kept nowhere. */
  readonly tokenHash: string;
  readonly createdMs: number;
}

/** Why replicas are not changed so. `code` is API. */
export class ReplicaChangeError extends Error {
  override readonly name = "ReplicaChangeError";
  readonly code: "REPLICA_UNKNOWN" | "REPLICA_EXISTS" | "REPLICA_INVALID" | "TOO_MANY";

  constructor(code: ReplicaChangeError["code"], message: string) {
    super(message);
    this.code = code;
  }
}

/** How {@link ReplicaRegistry.open} opens it. */
export interface ReplicaRegistryOptions {
  readonly directory: string;
  readonly limit: number;
  readonly nowMs: () => number;
}

/**
 * The replicas that may follow this store, each with a token of its own, in `replicas.json` (mode 0600). Nobody may as long
 * as none was added. Changes are written in the order they come, and are in force only when they are written.
 */
export class ReplicaRegistry {
  readonly #path: string;
  readonly #limit: number;
  readonly #nowMs: () => number;
  #replicas: readonly RegisteredReplica[] = [];
  #byHash = new Map<string, RegisteredReplica>();
  #writing: Promise<unknown> = Promise.resolve();

  private constructor({ directory, limit, nowMs }: ReplicaRegistryOptions) {
    this.#path = join(directory, "replicas.json");
    this.#limit = limit;
    this.#nowMs = nowMs;
  }

  /** @throws FileError */
  static async open(options: ReplicaRegistryOptions): Promise<ReplicaRegistry> {
    const registry = new ReplicaRegistry(options);
    try {
      registry.#apply((await readJsonFile(registry.#path, registryFileSchema)).replicas);
    } catch (error) {
      if (!(error instanceof FileError && error.code === "FILE_MISSING")) throw error;
    }
    return registry;
  }

  list(): readonly RegisteredReplica[] {
    return this.#replicas;
  }

  /** Whose token it is. */
  find(token: string): RegisteredReplica | undefined {
    return this.#byHash.get(hashSecret(token));
  }

  /** @returns the token, which is told here and never again. @throws ReplicaChangeError, FileError */
  async add(name: string): Promise<string> {
    const token = randomToken();
    await this.#change((replicas) => {
      if (!REPLICA_NAME.test(name)) {
        throw new ReplicaChangeError("REPLICA_INVALID", `"${name}" is no name: 1 to 64 of A-Z a-z 0-9 . _ -`);
      }
      if (replicas.some((replica) => replica.name === name)) {
        throw new ReplicaChangeError("REPLICA_EXISTS", `There is a replica "${name}" already`);
      }
      if (replicas.length >= this.#limit) {
        const mend = "Remove one, or raise maxReplicas";
        throw new ReplicaChangeError("TOO_MANY", `There are ${replicas.length} replicas already. ${mend}`);
      }
      return [...replicas, { name, tokenHash: hashSecret(token), createdMs: this.#nowMs() }];
    });
    return token;
  }

  /** Its token is worth nothing from now on. @throws ReplicaChangeError, FileError */
  async remove(name: string): Promise<void> {
    await this.#change((replicas) => {
      const left = replicas.filter((replica) => replica.name !== name);
      if (left.length < replicas.length) return left;
      throw new ReplicaChangeError("REPLICA_UNKNOWN", `There is no replica "${name}"`);
    });
  }

  #change(change: (replicas: readonly RegisteredReplica[]) => readonly RegisteredReplica[]): Promise<void> {
    const result = this.#writing.then(async () => {
      const next = change(this.#replicas);
      await writeFileAtomic(this.#path, `${JSON.stringify({ version: 1, replicas: next })}\n`, 0o600);
      this.#apply(next);
    });
    // The next change must not fail because this one did.
    this.#writing = result.catch(() => undefined);
    return result;
  }

  #apply(replicas: readonly RegisteredReplica[]): void {
    this.#replicas = replicas;
    this.#byHash = new Map(replicas.map((replica) => [replica.tokenHash, replica]));
  }
}
