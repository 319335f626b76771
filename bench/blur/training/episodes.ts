import type { Random } from "@kagami/clock";
import { type ClipSpec, type EventSpec, planClips } from "../corpus/index.ts";
import { varyStyle } from "./looks.ts";
import { DEVELOPMENT, LEARNING } from "./partition.ts";

/** In cells, pictures of all sizes are nearly alike; most are small, so that there can be many. */
const SIZES = [
  [360, 640],
  [360, 640],
  [360, 640],
  [304, 640],
  [640, 360],
  [640, 360],
  [640, 304],
  [540, 960],
  [540, 960],
  [960, 540],
  [720, 1280],
  [720, 1280],
  [1280, 720],
] as const;
/** The same without what is slow to make, to validate by. */
const WHOLE_SIZES = [
  [360, 640],
  [360, 640],
  [304, 640],
  [640, 360],
  [640, 304],
  [540, 960],
  [960, 540],
  [720, 1280],
  [1280, 720],
] as const;
const WHOLE_SEC = 10;
const DONOR_SEC = 20;
const EPISODE_SEC = 8;

/**
 * Plans clips whose pieces, drawn once, are put together anew by {@link planEpisodes}: full of cards, with looks that
 * no maker has besides those that some have.
 */
export function planDonors(seed: number, count: number): ClipSpec[] {
  const donors = planClips("train", seed, (count * DONOR_SEC) / 60, {
    sizes: SIZES,
    clipSec: DONOR_SEC,
    holdScale: 0.2,
    distractionSec: 0.4,
    variantCount: 900,
    varyStyle,
    pieces: LEARNING,
  });
  return donors.slice(0, count);
}

interface EpisodeOptions {
  readonly name: string;
  readonly isWithoutBanners: boolean;
}

/** Puts a short clip together from the pieces of all donors whose screen is that of one of them. */
export function planEpisode(donors: readonly ClipSpec[], random: Random, options: EpisodeOptions): ClipSpec {
  const host = random.pick(donors);
  const pool = donors.filter((donor) => screenOf(donor) === screenOf(host));
  const all = pool.flatMap(({ events }) => events);
  const banners = all.filter(({ kind }) => kind === "banner");
  const others = all.filter(({ kind }) => kind !== "banner");
  const events: EventSpec[] = [];
  for (let startSec = 0.2 + random.float() * 0.8; startSec < EPISODE_SEC - 0.7; ) {
    const isBanner = !options.isWithoutBanners && random.chance(0.55);
    const from = isBanner || others.length === 0 ? banners : others;
    if (from.length === 0) break;
    const event = moved(random, random.pick(from), startSec);
    events.push(event);
    const there = event.inSec + event.holdSec;
    startSec += random.chance(0.2) ? there * random.float() : there + event.outSec + random.float() * 0.8;
  }
  const scenes = Array.from({ length: random.pick([1, 2, 2, 3]) }, (_, i) => {
    const scene = random.pick(random.pick(pool).scenes);
    return i === 0 ? { ...scene, startSec: 0, entry: "cut" as const } : scene;
  });
  const cuts = scenes.map((_, i) => (i === 0 ? 0 : random.float() * EPISODE_SEC)).sort((a, b) => a - b);
  return {
    ...host,
    name: options.name,
    seed: random.nextU32(),
    durationSec: EPISODE_SEC,
    scenes: scenes.map((scene, i) => ({ ...scene, startSec: cuts[i] as number })),
    // Banners are drawn over everything else, as the system does.
    events: [...events.filter(({ kind }) => kind !== "banner"), ...events.filter(({ kind }) => kind === "banner")],
  };
}

/**
 * Plans clips of the development set as the corpus has them, but small and with less time between cards.
 *
 * @param without Share of clips that have no banners; they are the last ones.
 */
export function planWhole(seed: number, count: number, without: number): ClipSpec[] {
  const plan = (from: number, clips: number, distractionSec: number): ClipSpec[] => {
    const options = { sizes: WHOLE_SIZES, clipSec: WHOLE_SEC, holdScale: 0.8, distractionSec, pieces: DEVELOPMENT };
    return planClips("train", from, (clips * WHOLE_SEC) / 60, options).slice(0, clips);
  };
  const withoutCount = Math.round(count * without);
  return [
    ...plan(seed, count - withoutCount, 4),
    ...plan(seed + 1, withoutCount, 1).map((clip) => ({
      ...clip,
      events: clip.events.filter(({ kind }) => kind !== "banner"),
    })),
  ];
}

const screenOf = ({ width, height, screen }: ClipSpec): string => `${width}x${height} ${JSON.stringify(screen)}`;

/** Comes at another time and pace, stays shortly, and rests a little elsewhere. */
function moved(random: Random, event: EventSpec, startSec: number): EventSpec {
  const pace = 0.75 + random.float() * 0.5;
  const point = event.request.scale;
  const isAtTop = event.edge === "top" && event.inset > 4 * point;
  return {
    ...event,
    startSec,
    inSec: event.inSec * pace,
    outSec: event.outSec * pace,
    holdSec: random.chance(0.1) ? 2 + random.float() * 2 : 0.15 + random.float() * 1.3,
    inset: isAtTop ? Math.max(3 * point, event.inset + (random.float() - 0.5) * 8 * point) : event.inset,
  };
}
