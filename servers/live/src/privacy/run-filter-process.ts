import { readFileSync } from "node:fs";
import { Socket } from "node:net";
import { fileURLToPath } from "node:url";
import { createWasmKernels, type Kernels } from "@kagami/kernels";
import type { Detector } from "../engine/privacy/detection.ts";
import type { FilterSettings } from "../protocol/privacy/messages.ts";
import { serveFilter } from "./filter-process.ts";
import { loadCodec } from "./load-codec.ts";

/** Of the pipe to the relay. */
const PIPE_FD = 3;
const READ_BYTES = 65_536;

/** Why the kernels cannot be loaded, with how to mend it; `undefined` if they can. */
export function whyKernelsAreMissing(): string | undefined {
  try {
    readFileSync(kernelsPath());
    return undefined;
  } catch (error) {
    return `Cannot read the compiled kernels: ${(error as Error).message}. Build them: node scripts/build-kernels.ts`;
  }
}

/**
 * The whole life of a filter process: loads what it needs, serves the relay, exits with it. What goes wrong is one line
 * on standard error and exit code 1.
 *
 * @param createDetector Given kernels of its own.
 */
export async function runFilterProcess(
  createDetector: (kernels: Kernels, settings: FilterSettings) => Detector,
): Promise<never> {
  // A signal to the whole group ends the relay, which then ends this process when nothing is held any more.
  process.on("SIGINT", () => undefined);
  process.on("SIGTERM", () => undefined);
  const missing = whyKernelsAreMissing();
  if (missing !== undefined) return fail(missing);
  let problem: string | undefined;
  try {
    const codec = await loadCodec();
    const wasm = new Uint8Array(readFileSync(kernelsPath()));
    problem = await serveFilter({
      pipe: openPipe(),
      tools: {
        codec,
        kernels: createWasmKernels(wasm),
        createDetector: (settings) => createDetector(createWasmKernels(wasm), settings),
        nowMs: () => performance.now(),
        work: { decodedCount: 0, encodedCount: 0, decodeMs: 0, detectMs: 0, obscureMs: 0, encodeMs: 0 },
      },
      usage: () => {
        const { user, system } = process.cpuUsage();
        return { cpuUs: user + system, residentBytes: process.memoryUsage.rss() };
      },
    });
  } catch (error) {
    return fail((error as Error).message);
  }
  return problem === undefined ? process.exit(0) : fail(problem);
}

/** Reads into one buffer for ever; what comes with `data` must be copied, which the reader of messages does. */
function openPipe(): Socket {
  const pipe: Socket = new Socket({
    fd: PIPE_FD,
    onread: {
      buffer: new Uint8Array(READ_BYTES),
      callback: (sizeBytes, buffer) => {
        pipe.emit("data", buffer.subarray(0, sizeBytes));
        return true;
      },
    },
  });
  return pipe;
}

function fail(message: string): never {
  process.stderr.write(`${message.replaceAll(/\s*\n\s*/g, " | ")}\n`);
  process.exit(1);
}

function kernelsPath(): string {
  return fileURLToPath(import.meta.resolve("@kagami/kernels/kernels.wasm"));
}
