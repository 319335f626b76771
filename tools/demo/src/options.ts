import { parseArgs } from "node:util";

/** What the command line asks for. */
export interface DemoCommand {
  readonly url: string;
  readonly seed: number;
  readonly width: number;
  readonly height: number;
  readonly fps: number;
  readonly bitrateKbps: number;
  /** Seconds; `undefined` is for ever. */
  readonly durationS: number | undefined;
  readonly counter: boolean;
  readonly beepOnly: boolean;
  readonly help: boolean;
}

/** The text of `--help`. */
export const HELP = `Publishes the demo broadcast over RTMP until it is stopped.

  --url URL        where to publish          rtmp://127.0.0.1:1935/live/demo
  --seed N         which course and melody   1
  --size WxH       pixels, both even         720x1280
  --fps N          pictures a second         30
  --bitrate KBPS   of video                  1200
  --duration S     stop after S seconds      never
  --counter        draw the frame counter strip
  --beep           a beep each second instead of music
`;

/**
 * Reads the command line.
 *
 * @returns A message for people if something in it is wrong.
 */
export function parseCommand(argv: readonly string[]): DemoCommand | string {
  try {
    const { values } = parseArgs({
      args: [...argv],
      options: {
        url: { type: "string", default: "rtmp://127.0.0.1:1935/live/demo" },
        seed: { type: "string", default: "1" },
        size: { type: "string", default: "720x1280" },
        fps: { type: "string", default: "30" },
        bitrate: { type: "string", default: "1200" },
        duration: { type: "string" },
        counter: { type: "boolean", default: false },
        beep: { type: "boolean", default: false },
        help: { type: "boolean", default: false },
      },
    });
    const size = /^(\d+)x(\d+)$/.exec(values.size);
    if (size === null) return `Cannot read --size "${values.size}": give WIDTHxHEIGHT, such as 720x1280`;
    const numbers = { seed: values.seed, fps: values.fps, bitrate: values.bitrate, duration: values.duration ?? "0" };
    for (const [name, text] of Object.entries(numbers)) {
      if (!/^\d+(\.\d+)?$/.test(text)) return `Cannot read --${name} "${text}": give a number`;
    }
    return {
      url: values.url,
      seed: Number(values.seed),
      width: Number(size[1]),
      height: Number(size[2]),
      fps: Number(values.fps),
      bitrateKbps: Number(values.bitrate),
      durationS: values.duration === undefined ? undefined : Number(values.duration),
      counter: values.counter,
      beepOnly: values.beep,
      help: values.help,
    };
  } catch (error) {
    return `${(error as Error).message}. Run with --help for the flags`;
  }
}
