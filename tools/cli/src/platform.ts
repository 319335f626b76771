import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { Logger, RunningPart, StartContext } from "@kagami/kit";
import type { UpConfig } from "./up.ts";
import { usualOrFree } from "./usual-port.ts";

const MAIN = fileURLToPath(new URL("./main.ts", import.meta.url));

/** The name of the channel that the demo publishes to. */
const DEMO_CHANNEL = "demo";

const START_LIMIT_MS = 60_000;

type Addresses = Readonly<Record<string, string>>;

/** What runs: `undefined` is off. */
interface Platform {
  readonly live: Addresses;
  readonly ranking: Addresses | undefined;
  readonly objects: Addresses | undefined;
}

/** The ports that clients of the stores try first. */
const USUAL_PORTS = { ranking: 6_379, objects: 9_000 } as const;

/** Starts every part, waits until each says that it is ready, and prints what to open. */
export async function startPlatform(config: UpConfig, { log, stop }: StartContext): Promise<RunningPart> {
  const parts: Part[] = [];
  let isStopping = false;
  const onExit = (part: Part) => {
    if (isStopping) return;
    log.error("part.exited", { name: part.name, exitCode: part.child.exitCode, signal: part.child.signalCode });
    stop();
  };
  const start = async (name: string, args: readonly string[]) => {
    if (isStopping) throw new Error(`Cannot start ${name}: another part could not`);
    const part = new Part(name, args, onExit);
    parts.push(part);
    return await part.ready();
  };
  const close = async (graceMs: number) => {
    isStopping = true;
    await Promise.all(parts.map((part) => part.stop(graceMs)));
  };
  const startLive = async () => {
    const flags = ["--listen", config.listen, "--rtmp", config.rtmp, "--data", config.data, "--log", config.log];
    const live = await start("live", [...flags, ...(config.demo ? ["--open-publish"] : [])]);
    if (config.demo) await start("demo", ["--url", `rtmp://${live.rtmp}/live/${DEMO_CHANNEL}`, "--log", config.log]);
    return live;
  };
  const startStore = async (name: "ranking" | "objects") => {
    if (config[name] === "off") return undefined;
    const listen = config[name] === "auto" ? await usualOrFree(USUAL_PORTS[name]) : config[name];
    return await start(name, ["--listen", listen, "--data", join(config.data, name), "--log", config.log]);
  };
  try {
    const [live, ranking, objects] = await Promise.all([startLive(), startStore("ranking"), startStore("objects")]);
    announce({ live, ranking, objects }, config, log);
    return { addresses: live, close };
  } catch (error) {
    await close(0);
    throw error;
  }
}

/** Says what to open, for people; the addresses are in the log too. */
function announce({ live, ranking, objects }: Platform, { demo }: UpConfig, log: Logger): void {
  const page = `http://${live.http}`;
  log.info("platform.ready", { page });
  const lines = [
    "",
    "  Kagami is running.",
    "",
    `    Watch    ${page}${demo ? `/watch/${DEMO_CHANNEL}` : "/"}`,
    `    Studio   ${page}/studio${demo ? `#key=${DEMO_CHANNEL}` : ""}`,
    `    Publish  rtmp://${live.rtmp}/live   (stream key: ${demo ? "any name, such as my-stream" : "from the studio"})`,
    ...(ranking ? [`    Ranking  redis://${ranking.redis}   (page: http://${ranking.admin})`] : []),
    ...(objects ? [`    Objects  http://${objects.s3}   (S3; page: http://${objects.admin})`] : []),
    "",
    "  Stop with Ctrl-C.",
    "",
    "",
  ];
  process.stdout.write(lines.join("\n"));
}

/** One part in a process of its own. It says where it listens over the channel that Node opens between the two. */
class Part {
  readonly name: string;
  readonly child: ChildProcess;
  readonly #exited: Promise<unknown>;

  constructor(name: string, args: readonly string[], onExit: (part: Part) => void) {
    this.name = name;
    this.child = spawn(process.execPath, [MAIN, name, ...args], {
      stdio: ["ignore", "inherit", "inherit", "ipc"],
      // A signal from the terminal reaches the whole group; parts are told by us alone, so that they end in order.
      detached: true,
    });
    this.#exited = once(this.child, "exit");
    this.child.once("exit", () => onExit(this));
  }

  /** The addresses of the part's ready line. */
  ready(): Promise<Addresses> {
    return new Promise((resolve, reject) => {
      const fail = (why: string) => reject(new Error(`Cannot start ${this.name}: ${why}`));
      const timer = setTimeout(() => fail(`it was not ready within ${START_LIMIT_MS / 1000} s`), START_LIMIT_MS);
      this.child.once("exit", (code) => fail(`it ended with code ${code}; its message is above`));
      this.child.once("error", (error) => fail(error.message));
      this.child.once("message", (message: { addresses?: Addresses }) => {
        clearTimeout(timer);
        resolve(message.addresses ?? {});
      });
    });
  }

  /** Asks the part to end; after the grace time, and a little more for its own clean-up, it is killed. */
  async stop(graceMs: number): Promise<void> {
    if (this.child.exitCode !== null || this.child.signalCode !== null) return;
    this.child.kill("SIGTERM");
    const timer = setTimeout(() => this.child.kill("SIGKILL"), graceMs + 1_000);
    await this.#exited;
    clearTimeout(timer);
  }
}
