import { createRequire } from "node:module";
import type * as Constants from "node-av/constants";
import type * as Library from "node-av/lib";
import type { CodecContext } from "node-av/lib";

/** node-av, as far as the filter needs it. Types may be imported anywhere; the code only by `loadCodec`. */
export interface CodecLibrary {
  readonly lib: typeof Library;
  readonly constants: typeof Constants;
}

/** A codec refused its work, or is not there; the message says how to mend it. */
export class CodecError extends Error {
  override readonly name = "CodecError";
  readonly code: "CODEC_MISSING" | "CODEC_REFUSED" | "CODEC_FAILED";

  constructor(code: CodecError["code"], message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}

const MEND =
  "The notification blur needs the optional package node-av (its FFmpeg is under the GPLv3): " +
  "run npm ci --ignore-scripts without --omit=optional, on Linux, macOS or Windows";

/**
 * Loads FFmpeg into this process, for good; only a filter process does that.
 *
 * @throws CodecError `CODEC_MISSING`
 */
export async function loadCodec(): Promise<CodecLibrary> {
  try {
    const [lib, constants] = await Promise.all([import("node-av/lib"), import("node-av/constants")]);
    // It would write to standard error by itself; what matters is in the results of its functions.
    lib.Log.setLevel(constants.AV_LOG_QUIET);
    return { lib, constants };
  } catch (error) {
    throw new CodecError("CODEC_MISSING", `Cannot load node-av: ${(error as Error).message}. ${MEND}`, {
      cause: error,
    });
  }
}

/**
 * Sets options of a codec by their names in FFmpeg, before or after it is opened. Not by a dictionary: opening frees it,
 * and its own finalizer does so again, which ends the process.
 *
 * @throws CodecError `CODEC_REFUSED`
 */
export function setOptions(
  context: CodecContext,
  options: Readonly<Record<string, string>>,
  { constants }: CodecLibrary,
): void {
  for (const [name, value] of Object.entries(options)) {
    const { AV_OPT_TYPE_STRING, AV_OPT_SEARCH_CHILDREN } = constants;
    if (context.setOption(name, value, AV_OPT_TYPE_STRING, AV_OPT_SEARCH_CHILDREN) < 0) {
      throw new CodecError("CODEC_REFUSED", `FFmpeg does not take ${value} for the option ${name}`);
    }
  }
}

/** Why node-av and its binary for this machine cannot be found; `undefined` if they can. Loads nothing. */
export function whyCodecIsMissing(): string | undefined {
  const require = createRequire(import.meta.url);
  const binary = `@seydx/node-av-${process.platform}-${process.arch}`;
  // On Windows there is one for each compiler.
  const binaries = process.platform === "win32" ? [`${binary}-msvc`, `${binary}-mingw`] : [binary];
  const canResolve = (name: string): boolean => {
    try {
      require.resolve(name);
      return true;
    } catch {
      // The package is not installed, which is the answer.
      return false;
    }
  };
  if (!canResolve("node-av/lib")) return `The package node-av is not installed. ${MEND}`;
  if (!binaries.some((name) => canResolve(`${name}/package.json`) || canResolve(name))) {
    return `The package ${binaries.join(" or ")} is not installed. ${MEND}`;
  }
  return undefined;
}
