import { baseConfigShape, type RunningPart, type StartContext } from "@kagami/kit";
import { z } from "zod";
import { startDemoBroadcast } from "./publish.ts";
import { parseRtmpUrl } from "./rtmp-url.ts";

const { log, logFormat } = baseConfigShape;

/** The only list of the demo's settings. */
export const demoSchema = z.strictObject({
  url: z
    .string()
    .default("rtmp://127.0.0.1:1935/live/demo")
    .meta({ placeholder: "rtmp://host/live/key" })
    .describe("Where to publish"),
  seed: z.int().min(0).default(1).describe("Which course and melody"),
  size: z
    .string()
    .regex(/^[1-9]\d{1,3}x[1-9]\d{1,3}$/, "must be WIDTHxHEIGHT, such as 720x1280")
    .default("720x1280")
    .meta({ placeholder: "WxH" })
    .describe("Pixels, both even, at least 176x256"),
  fps: z.int().min(1).max(60).default(30).describe("Pictures a second"),
  bitrateKbps: z.int().min(100).max(20_000).default(1_200).describe("Of video, in kbit/s"),
  durationS: z.int().min(0).default(0).meta({ unit: "s" }).describe("Stop after this; 0 is never"),
  counter: z.boolean().default(false).describe("Draw the frame counter strip"),
  beep: z.boolean().default(false).describe("A beep at each whole second instead of music"),
  log,
  logFormat,
});

export type DemoConfig = z.output<typeof demoSchema>;

/** What the `kagami` command runs as `kagami demo`. */
export const demoPart = {
  part: "demo",
  about: "Publishes a generated broadcast, a game that plays itself, over RTMP until it is stopped",
  schema: demoSchema,
  start: startDemo,
} as const;

async function startDemo(config: DemoConfig, { log: logger, stop }: StartContext): Promise<RunningPart> {
  const [width, height] = config.size.split("x").map(Number) as [number, number];
  const { url, seed, fps, bitrateKbps, durationS, counter, beep } = config;
  const { shownUrl } = parseRtmpUrl(url);
  const ending = new AbortController();
  const running = startDemoBroadcast({
    url,
    signal: ending.signal,
    log: (event, fields) => logger.info(event, fields),
    ...(durationS > 0 && { durationS }),
    broadcast: { seed, width, height, fps, bitrateKbps, counter, audio: { beepOnly: beep } },
  }).then(stop, (error: unknown) => {
    logger.error("demo.failed", { error });
    stop();
  });
  return {
    addresses: {},
    readyFields: { url: shownUrl },
    close: async () => {
      ending.abort();
      await running;
    },
  };
}
