import { runTool } from "@kagami/testkit";

/** One decoded picture or piece of sound. */
export interface DecodedFrame {
  readonly ptsMs: number;
  readonly md5: string;
}

export interface DecodeOptions {
  readonly stream: "v" | "a";
  /** The container, where it cannot be told from the address. */
  readonly format?: string;
  /** Stops after this many seconds of media. */
  readonly seconds?: number;
  readonly inputArgs?: readonly string[];
}

export interface Decoded {
  readonly frames: readonly DecodedFrame[];
  /** What ffmpeg complained of. */
  readonly complaints: string;
}

/** Decodes bytes or an address with ffmpeg, to hashes of what it shows and when. Times are as in the stream. */
export async function decode(input: Uint8Array | string, options: DecodeOptions): Promise<Decoded> {
  const { stream, format, seconds, inputArgs = [] } = options;
  const args = ["-hide_banner", "-loglevel", "warning", "-nostdin", "-copyts", ...inputArgs];
  if (format !== undefined) args.push("-f", format);
  args.push("-i", typeof input === "string" ? input : "pipe:0", "-map", `0:${stream}:0`);
  if (seconds !== undefined) args.push("-t", String(seconds));
  args.push("-fps_mode", "passthrough", "-f", "framemd5", "pipe:1");
  const result = await runTool("ffmpeg", args, typeof input === "string" ? {} : { input });
  if (result.exitCode !== 0) throw new Error(`ffmpeg ended with ${result.exitCode}: ${result.stderr}`);
  return { frames: parseFrameMd5(result.stdout), complaints: result.stderr };
}

/** Reads what ffmpeg's `framemd5` writes. */
export function parseFrameMd5(text: string): DecodedFrame[] {
  const timeBase = /^#tb 0: (\d+)\/(\d+)$/m.exec(text);
  const tickMs = (1000 * Number(timeBase?.[1] ?? 1)) / Number(timeBase?.[2] ?? 1000);
  return text
    .split("\n")
    .filter((line) => line !== "" && !line.startsWith("#"))
    .map((line) => {
      const fields = line.split(",").map((field) => field.trim());
      return { ptsMs: Number(fields[2]) * tickMs, md5: fields[5] ?? "" };
    });
}

/** What `ffprobe` says of the streams and packets of bytes or an address. */
export async function probe(
  input: Uint8Array | string,
  entries: string,
  args: readonly string[] = [],
): Promise<string> {
  const target = typeof input === "string" ? input : "pipe:0";
  const all = ["-v", "error", ...args, "-show_entries", entries, "-of", "csv=p=0", target];
  const result = await runTool("ffprobe", all, typeof input === "string" ? {} : { input });
  if (result.exitCode !== 0) throw new Error(`ffprobe ended with ${result.exitCode}: ${result.stderr}`);
  return result.stdout;
}
