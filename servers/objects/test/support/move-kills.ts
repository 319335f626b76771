import { spawn } from "node:child_process";
import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import type { Random } from "@kagami/clock";
import { openStore } from "../../src/storage/open-store.ts";
import { fsck } from "../../src/tools/fsck.ts";
import { MOVE_STORE_OPTIONS, moveBody } from "./move-store.ts";

const CHILD = new URL("./move-child.ts", import.meta.url).pathname;

/** Runs until so many keys were acknowledged, and is killed a moment later. The acknowledged keys. */
async function runAndKill(args: readonly string[], afterKeys: number): Promise<string[]> {
  const child = spawn(process.execPath, [CHILD, ...args], { stdio: ["ignore", "pipe", "inherit"] });
  let told = "";
  child.stdout.setEncoding("utf8");
  child.stdout.on("data", (text: string) => {
    told += text;
    if (told.split("\n").length > afterKeys) child.kill("SIGKILL");
  });
  const signal = await new Promise((resolve) => child.on("close", (_code, killedBy) => resolve(killedBy)));
  if (signal !== "SIGKILL") throw new Error(`The process ended by itself: ${String(signal)}`);
  return told.split("\n").slice(0, -1);
}

/** A process that writes and moves volumes to another disk, killed again and again; each time all of it is read. */
export class MoveKills {
  readonly #directory: string;
  readonly #hdd: string;
  readonly #random: Random;
  readonly #acknowledged: string[] = [];
  readonly counts = { kills: 0, acknowledged: 0, read: 0, volumesOnSlowDisk: 0 };

  constructor(base: string, random: Random) {
    this.#directory = join(base, "data");
    this.#hdd = join(base, "hdd");
    this.#random = random;
  }

  /** @throws Error if anything is lost, torn, or on both disks */
  async round(): Promise<void> {
    const args = [this.#directory, this.#hdd, String(this.counts.kills)];
    const keys = await runAndKill(args, this.#random.int(20, 80));
    this.#acknowledged.push(...keys);
    this.counts.kills++;
    this.counts.acknowledged += keys.length;
    const { findings } = await fsck(this.#directory, Date.now());
    const wrong = findings.filter(({ severity }) => severity === "error");
    if (wrong.length > 0) throw new Error(`The check found ${JSON.stringify(wrong)}`);
    await this.#readAll();
    for (const part of ["volumes", "blobs"]) {
      for (const name of readdirSync(join(this.#hdd, part))) {
        if (existsSync(join(this.#directory, part, name))) throw new Error(`${part}/${name} lies on both disks`);
      }
    }
    this.counts.volumesOnSlowDisk = readdirSync(join(this.#hdd, "volumes")).length;
  }

  async #readAll(): Promise<void> {
    const store = await openStore({ ...MOVE_STORE_OPTIONS, directory: this.#directory });
    try {
      for (const key of this.#acknowledged) {
        const opened = await store.open("b", key);
        const pieces: Uint8Array[] = [];
        for await (const piece of opened?.read(0, opened.entry.sizeBytes) ?? []) pieces.push(Buffer.from(piece));
        opened?.close();
        if (!Buffer.concat(pieces).equals(moveBody(key))) throw new Error(`"${key}" is not what was written`);
        this.counts.read++;
      }
    } finally {
      await store.close();
    }
  }
}
