import { join } from "node:path";
import { createRandom } from "@kagami/clock";
import { eventually, type KagamiProcess, startKagami, withTempDir } from "@kagami/testkit";
import { expect, test } from "vitest";
import { promote } from "../../src/replica/promote.ts";
import { fsck } from "../../src/tools/fsck.ts";
import { RawClient } from "../support/raw-client.ts";
import { addReplica, replicationOf, seenByS3, untilCaughtUp } from "../support/replicas.ts";
import { TEST_KEY } from "../support/start-server.ts";

const KEY = { KAGAMI_OBJECTS_ACCESS_KEY: TEST_KEY.accessKey, KAGAMI_OBJECTS_SECRET_KEY: TEST_KEY.secretKey };
const SMALL = ["--admin", "127.0.0.1:0", "--volume-bytes", "1MiB", "--compaction-dead-percent", "25"];
const MIB = 1 << 20;

/** A part that is killed and started again, with the address that it had. */
class Part {
  readonly #data: string;
  readonly #flags: readonly string[];
  readonly #env: Readonly<Record<string, string>>;
  #listen = "127.0.0.1:0";
  #process: KagamiProcess | undefined;

  constructor(data: string, flags: readonly string[] = [], env: Readonly<Record<string, string>> = {}) {
    this.#data = data;
    this.#flags = flags;
    this.#env = { ...KEY, ...env };
  }

  get host(): string {
    return this.#listen;
  }

  get admin(): string {
    return this.#process?.addresses.admin ?? "";
  }

  async start(): Promise<void> {
    const args = ["--data", this.#data, "--listen", this.#listen, "--log", "error", ...SMALL, ...this.#flags];
    this.#process = await startKagami({ part: "objects", args, env: this.#env });
    this.#listen = this.#process.addresses.s3 ?? "";
  }

  async end(signal: "SIGTERM" | "SIGKILL"): Promise<void> {
    await this.#process?.end(signal);
    this.#process = undefined;
  }

  async killAndStart(): Promise<void> {
    await this.end("SIGKILL");
    await this.start();
  }
}

/**
 * Puts, puts again and deletes at random; what fails while the server is away is as if it had never been asked. At some
 * operation the disturbance begins, and goes on beside the others.
 */
async function work(client: RawClient, seed: number, count: number, disturb?: () => Promise<void>): Promise<void> {
  const random = createRandom(seed);
  const disturbedAt = random.int(5, count - 5);
  let disturbance: Promise<void> | undefined;
  for (let i = 0; i < count; i++) {
    if (i === disturbedAt) disturbance = disturb?.();
    const path = `/media/key-${random.int(0, 60)}`;
    const size = random.chance(0.01) ? 8 * MIB + random.int(1, 100_000) : random.int(0, 50_000);
    const request = random.chance(0.15)
      ? ({ method: "DELETE", path } as const)
      : { method: "PUT", path, body: Buffer.alloc(size, random.bytes(64)) };
    await client.send(request).catch(() => undefined);
  }
  await disturbance;
}

async function compactedCount(admin: string): Promise<number> {
  const answer = await (await fetch(`http://${admin}/api/maintenance`)).json();
  return (answer as { volumesCompacted: number }).volumesCompacted;
}

test("a replica in another process ends byte-equal, whoever was killed, and while its source compacts", async () => {
  await withTempDir(async (directory) => {
    const source = new Part(join(directory, "source"));
    await source.start();
    const token = await addReplica(source.admin);
    const follow = ["--follow", `http://${source.host}`];
    const replica = new Part(join(directory, "replica"), follow, { KAGAMI_OBJECTS_FOLLOW_TOKEN: token });
    const client = new RawClient(source.host);
    try {
      await client.send({ method: "PUT", path: "/media" });
      await work(client, 1, 120);
      await replica.start();
      for (const [round, victim] of [replica, source, replica, source].entries()) {
        await work(client, 10 + round, 80, () => victim.killAndStart());
      }
      const isCompacted = async () => (await compactedCount(source.admin)) > 0;
      await eventually(isCompacted, { timeoutMs: 30_000, what: "A compaction at the source" });
      await untilCaughtUp(source.admin, replica.admin, 60_000);
      const seen = await seenByS3(source.host);
      expect(seen.length).toBeGreaterThan(20);
      expect(await seenByS3(replica.host)).toEqual(seen);
      expect((await replicationOf(replica.admin)).fromNothingCount).toBe(0);
      await expect(promote(join(directory, "replica"))).rejects.toMatchObject({ code: "STORE_IN_USE" });
    } finally {
      await replica.end("SIGTERM");
      await source.end("SIGTERM");
    }
    for (const name of ["source", "replica"]) {
      expect(await fsck(join(directory, name), Date.now()), name).toMatchObject({ errors: 0, lostObjects: 0 });
    }
  });
}, 180_000);
