import type { z } from "zod";
import { ConfigError } from "./config/errors.ts";
import { type ConfigOutcome, type ConfigRequest, loadConfig } from "./config/load.ts";
import { createLogger } from "./log/logger.ts";
import { EXIT_CODES, type RunningPart, runMain, type StartContext } from "./run-main.ts";

/** A request for configuration together with what to start with it. */
export interface PartRequest<S extends z.ZodObject> extends ConfigRequest<S> {
  readonly start: (config: z.output<S>, context: StartContext) => Promise<RunningPart>;
}

/** What {@link runPart} reads from the base settings; see `baseConfigShape`. */
interface BaseConfig {
  readonly log?: "error" | "warn" | "info" | "debug";
  readonly logFormat?: "auto" | "json" | "pretty";
  readonly shutdownGraceMs?: number;
}

/**
 * The whole of a part's `main.ts`: reads the configuration, prints help or what else was asked for, and runs the part
 * with its logger. A wrong configuration is told on standard error and exits with 1.
 */
export async function runPart<S extends z.ZodObject>(request: PartRequest<S>): Promise<void> {
  const outcome = readOutcome(request);
  if (!outcome) return;
  if (outcome.kind === "print") {
    // A pager that has seen enough closes the pipe.
    process.stdout.on("error", () => undefined);
    process.stdout.write(outcome.text);
    return;
  }
  const base = outcome.config as BaseConfig;
  const log = createLogger({
    ...(base.log ? { level: base.log } : {}),
    ...(base.logFormat ? { format: base.logFormat } : {}),
    fields: { part: request.part },
  });
  const start = async (context: StartContext): Promise<RunningPart> => {
    const running = await request.start(outcome.config, context);
    const shutdownGraceMs = running.shutdownGraceMs ?? base.shutdownGraceMs;
    return {
      addresses: running.addresses,
      close: (graceMs) => running.close(graceMs),
      ...(running.readyFields ? { readyFields: running.readyFields } : {}),
      ...(shutdownGraceMs === undefined ? {} : { shutdownGraceMs }),
    };
  };
  await runMain(request.part, start, { log });
}

function readOutcome<S extends z.ZodObject>(request: PartRequest<S>): ConfigOutcome<z.output<S>> | undefined {
  try {
    return loadConfig(request);
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    process.stderr.write(`${error.message}\n`);
    process.exitCode = EXIT_CODES.startFailed;
    return undefined;
  }
}
