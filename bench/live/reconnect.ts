import { pause } from "../src/process-sample.ts";
import {
  type Figure,
  limitedFigure,
  plainFigure,
  type Scenario,
  type ScenarioContext,
  type ScenarioOutcome,
} from "../src/scenario.ts";
import { type LoadProcess, withLoad } from "./load/load-process.ts";
import { encodeMedia, type MediaSpec, PHONE_MEDIA, SMOKE_MEDIA } from "./load/media.ts";
import type { ParsedObservation } from "./load/parsed-viewer.ts";
import { startKagami } from "./servers/kagami.ts";
import { startNginx, startNms } from "./servers/peers.ts";
import { type ServerUnderTest, type Subject, viewerPort } from "./servers/subject.ts";

/** A publisher whose connection breaks, and who comes back. */
export const reconnect: Scenario = {
  name: "reconnect",
  summary: "The publisher's connection is reset and it is back after 1, 5 and 9 s: do viewers stay, and see it soon?",
  run,
};

const AWAY_SECONDS = [1, 5, 9];
const VIEWERS_OF_EACH = 10;
/** A viewer that waits longer for the picture of a publisher that is back has reason to leave, in ms. */
const PICTURE_LIMIT_MS = 1_000;

interface ReconnectPlan {
  readonly viewers: number;
  readonly media: MediaSpec;
  readonly beforeMs: number;
  readonly afterMs: number;
}

async function run({ isSmoke, settings, progress }: ScenarioContext): Promise<ScenarioOutcome> {
  const plan: ReconnectPlan = {
    viewers: settings.viewers ?? (isSmoke ? 2 : VIEWERS_OF_EACH),
    media: isSmoke ? SMOKE_MEDIA : PHONE_MEDIA,
    beforeMs: isSmoke ? 800 : 3_000,
    afterMs: isSmoke ? 1_500 : 4_000,
  };
  const awaySeconds = isSmoke ? [0.3] : AWAY_SECONDS;
  const servers: ServerUnderTest[] = [];
  try {
    for (const start of [startKagami, startNginx, startNms]) servers.push(await start());
    const figures: Figure[] = [];
    for (const server of servers) {
      for (const seconds of awaySeconds) {
        progress(`${server.name}: the publisher is away for ${seconds} s`);
        figures.push(...(await withLoad(1, (load) => measure(server, load, seconds, plan))));
      }
    }
    return { figures, notes: [NOTE] };
  } finally {
    await Promise.all(servers.map((server) => server.stop()));
  }
}

const NOTE =
  'The number behind a figure is the publisher\'s absence in seconds. "time-to-picture" is from the returned publisher\'s first key frame leaving it to the last of the viewers having it; "largest-step" is the largest distance between two pictures on the stream\'s own clock. "disconnected" counts viewers whose connection ended or who were told that the stream has: nginx keeps the connection and tells them so.';

/** Runs one absence with viewers of all protocols of the server at once. */
async function measure(
  server: ServerUnderTest,
  load: LoadProcess | undefined,
  awaySeconds: number,
  plan: ReconnectPlan,
): Promise<Figure[]> {
  if (!load) throw new Error("There is no load");
  const name = `reconnect${Math.round(awaySeconds * 1000)}`;
  const mediaPath = await encodeMedia(plan.media);
  const publisher = { port: server.rtmpPort, key: name, mediaPath, fps: plan.media.fps };
  await load.call("publish", { ...publisher, id: "first" });
  await pause(300);
  const subjects = KINDS[server.name]?.map((kind): Subject => ({ name: `${server.name}-${kind}`, server, kind })) ?? [];
  for (const subject of subjects) {
    const viewer = { kind: subject.kind, port: viewerPort(subject), name };
    await load.call("parse", { ...viewer, group: subject.name, count: plan.viewers });
  }
  await pause(plan.beforeMs);
  await load.call("unpublish", { id: "first", isKilled: true });
  await pause(awaySeconds * 1000);
  await load.call("publish", { ...publisher, id: "second" });
  await pause(plan.afterMs);
  const { firstKeyUs } = await load.call("published", { id: "second" });
  const figures: Figure[] = [];
  for (const subject of subjects) {
    const observations = await load.call("observations", { group: subject.name });
    figures.push(...figuresOf(subject.name, awaySeconds, observations, firstKeyUs));
  }
  await load.call("unpublish", { id: "second", isKilled: false });
  return figures;
}

const KINDS: Readonly<Record<string, readonly Subject["kind"][]>> = {
  kagami: ["ws", "rtmp", "flv"],
  nginx: ["rtmp"],
  nms: ["rtmp", "flv"],
};

function figuresOf(
  name: string,
  awaySeconds: number,
  observations: readonly ParsedObservation[],
  firstKeyUs: number,
): Figure[] {
  const arrivals = observations.map(
    ({ keyFrames }) => keyFrames.find(({ sentUs }) => sentUs >= firstKeyUs)?.arrivedUs ?? Number.POSITIVE_INFINITY,
  );
  const pictureMs = (Math.max(...arrivals) - firstKeyUs) / 1000;
  const closedCount = observations.filter(({ isClosed }) => isClosed).length;
  const backwardCount = observations.reduce((sum, each) => sum + each.backwardCount, 0);
  const stepMs = Math.max(...observations.map(({ largestStepMs }) => largestStepMs));
  const figure = (what: string, value: number, unit: string, limit: number) =>
    name.startsWith("kagami")
      ? limitedFigure(name, `${what}-${awaySeconds}`, value, unit, limit)
      : plainFigure(name, `${what}-${awaySeconds}`, value, unit);
  return [
    figure("disconnected", closedCount, "viewers", 0),
    figure("backward-timestamps", backwardCount, "pictures", 0),
    figure("time-to-picture", pictureMs, "ms", PICTURE_LIMIT_MS),
    plainFigure(name, `largest-step-${awaySeconds}`, stepMs, "ms"),
  ];
}
