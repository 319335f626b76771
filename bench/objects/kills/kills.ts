import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pause } from "../../src/process-sample.ts";
import { limitedFigure, plainFigure, type Scenario } from "../../src/scenario.ts";
import { type ObjectsServer, startObjects } from "../servers/kagami.ts";
import { createBucket } from "../servers/requests.ts";
import { KILLS_BUCKET, Writer } from "./writer.ts";

const WRITERS = 6;
/** Time under load before a kill: between these, so that it meets every state of a commit. */
const LOAD_MS = { least: 5, most: 300 };

/** SIGKILL under load, again and again; what was acknowledged is there, and nothing is there by half. */
export const kills: Scenario = {
  name: "kills",
  summary:
    "SIGKILLs under puts, copies, uploads in parts and deletes: no acknowledged write lost, none torn (--rounds N kills)",
  run: async ({ isSmoke, settings, progress }) => {
    const rounds = settings.rounds ?? (isSmoke ? 3 : 1_000);
    const data = await mkdtemp(join(tmpdir(), "kagami-kills-"));
    const writers = Array.from({ length: WRITERS }, (_, i) => new Writer(i));
    const lost: string[] = [];
    const torn: string[] = [];
    const startMs: number[] = [];
    const start = async (): Promise<ObjectsServer> => {
      const beganMs = performance.now();
      const started = await startObjects({ data });
      startMs.push(performance.now() - beganMs);
      return started;
    };
    let server = await start();
    try {
      await createBucket(server, KILLS_BUCKET);
      for (let round = 1; round <= rounds; round++) {
        const work = writers.map((writer) => writer.writeUntilGone(server));
        await pause(LOAD_MS.least + ((round * 37) % (LOAD_MS.most - LOAD_MS.least)));
        await server.kill();
        await Promise.all(work);
        server = await start();
        for (const findings of await Promise.all(writers.map((writer) => writer.check(server)))) {
          lost.push(...findings.lost);
          torn.push(...findings.torn);
        }
        if (round % 25 === 0) progress(`${round} kills: ${lost.length} lost, ${torn.length} torn`);
      }
    } finally {
      await server.stop();
      await rm(data, { recursive: true, force: true });
    }
    const total = writers.reduce((sum, { acknowledgedCount }) => sum + acknowledgedCount, 0);
    const figures = [
      plainFigure("kagami", "kills", rounds, "1"),
      plainFigure("kagami", "writes-acknowledged", total, "1"),
      plainFigure("kagami", "slowest-start", Math.max(...startMs), "ms"),
      limitedFigure("kagami", "objects-lost", lost.length, "1", 0),
      limitedFigure("kagami", "objects-torn", torn.length, "1", 0),
    ];
    const examples = [...lost, ...torn].slice(0, 10);
    const notes = [
      `${WRITERS} writers with 40 keys each, 1 byte to 9 MB; of ten requests one deletes and one or two copy, of a hundred three are uploads in parts; a killed process, not a machine without power`,
      ...(examples.length > 0 ? [`such as ${examples.join(", ")}`] : []),
    ];
    return { figures, notes };
  },
};
