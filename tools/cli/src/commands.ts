/** What a command is run with. */
export interface CommandContext {
  /** Arguments behind the command's name. */
  readonly argv: readonly string[];
  readonly env: Readonly<Record<string, string | undefined>>;
}

/** One word behind `kagami`. */
export interface Command {
  readonly name: string;
  /** How its arguments look, in one line. */
  readonly usage: string;
  /** One sentence, for the overview. */
  readonly about: string;
  readonly run: (context: CommandContext) => Promise<void>;
}

/** Every command; the overview, the manual and the check against the README are made from this table. */
export const COMMANDS: readonly Command[] = [
  {
    name: "live",
    usage: "[--listen host:port] [--rtmp host:port] [flags]",
    about: "Run the live streaming server",
    run: async (context) => {
      const { runLive } = await import("./run-live.ts");
      await runLive(context);
    },
  },
  {
    name: "cacheproxy",
    usage: "--servers host:port[=weight],… [--listen host:port] [flags]",
    about: "Run the memcached proxy",
    run: async (context) => {
      const { runCacheproxy } = await import("@kagami/cacheproxy");
      await runCacheproxy(context);
    },
  },
  {
    name: "ranking",
    usage: "[export|import] [--listen host:port] [--data DIR] [flags]",
    about: "Run the ranking store, a Redis-compatible server",
    run: async (context) => {
      const { runRanking } = await import("@kagami/ranking");
      await runRanking(context);
    },
  },
  {
    name: "objects",
    usage: "[probe-disk|fsck|repair|promote] [--listen host:port] [--data DIR] [flags]",
    about: "Run the object store, an S3-compatible server",
    run: async (context) => {
      const { runObjects } = await import("@kagami/objects");
      await runObjects(context);
    },
  },
  {
    name: "up",
    usage: "[--demo] [--config FILE] [--data DIR]",
    about: "Run the whole platform on this machine",
    run: async (context) => {
      const { runUp } = await import("./up.ts");
      await runUp(context);
    },
  },
  {
    name: "demo",
    usage: "[--url rtmp://host/live/key]",
    about: "Publish a generated demo broadcast",
    run: async (context) => {
      const { runDemo } = await import("./run-demo.ts");
      await runDemo(context);
    },
  },
  {
    name: "bench",
    usage: "<part> [scenario] [--json] [--smoke]",
    about: "Compare a part with its peers on this machine",
    run: async (context) => {
      const { runBenchmarks } = await import("./run-bench.ts");
      await runBenchmarks(context);
    },
  },
  {
    name: "doctor",
    usage: "",
    about: "Check that this machine has what Kagami needs",
    run: async (context) => {
      const { runDoctor } = await import("./doctor.ts");
      await runDoctor(context);
    },
  },
];
