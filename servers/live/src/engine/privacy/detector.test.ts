import { createPlainKernels } from "@kagami/kernels";
import { expect, test } from "vitest";
import type { BannerStyle, Detection, ManualZone } from "./detection.ts";
import { createDetector } from "./detector.ts";
import { FrameArtist } from "./detector-frames.ts";

const FRAME_US = 33_333;

function detectorWith(options: { style?: BannerStyle; zones?: ManualZone[]; startsCovered?: boolean } = {}) {
  return createDetector({
    kernels: createPlainKernels(),
    style: options.style ?? "any",
    zones: options.zones ?? [],
    startsCovered: options.startsCovered ?? false,
  });
}

interface Slide {
  readonly detections: readonly Detection[];
  readonly cards: readonly ({ x: number; y: number; width: number; height: number } | undefined)[];
}

const CARD_FROM = 15;
const CARD_IN = 10;
const CARD_TO = 60;

/** A game, and from frame 15 to 60 a card over it that slides in within a third of a second and goes the same way. */
function slideIn(width: number, height: number, look: { ground: number; ink: number }, frames = 90): Slide {
  const detector = detectorWith();
  const artist = new FrameArtist(width, height, 3);
  const unit = Math.min(width, height);
  const cardWidth = Math.round(width < height ? unit * 0.96 : unit * 1.1);
  const box = { x: Math.round((width - cardWidth) / 2), y: 0, width: cardWidth, height: Math.round(unit * 0.19) };
  const rest = unit * 0.1;
  const detections: Detection[] = [];
  const cards: (typeof box | undefined)[] = [];
  for (let i = 0; i < frames; i++) {
    artist.drawGame(i);
    const there = Math.min(1, Math.max(0, (i - CARD_FROM) / CARD_IN), Math.max(0, (CARD_TO - i) / CARD_IN));
    const eased = 1 - (1 - there) ** 3;
    const card = { ...box, y: Math.round(rest - (rest + box.height) * (1 - eased)) };
    if (there > 0) artist.drawCard({ ...card, ...look });
    cards.push(there > 0 ? card : undefined);
    detections.push(detector.inspect(artist.frame, i * FRAME_US));
  }
  return { detections, cards };
}

const SIZES = [
  { width: 360, height: 640 },
  { width: 720, height: 1280 },
  { width: 1080, height: 1920 },
  { width: 640, height: 360 },
  { width: 1280, height: 720 },
];
const LOOKS = [
  { look: "light", ground: 232, ink: 40 },
  { look: "dark", ground: 38, ink: 225 },
];

test.each(SIZES.flatMap((size) => LOOKS.map((look) => ({ ...size, ...look }))))(
  "a $look banner that slides in over a game of $width x $height is hidden once it has come to a stand",
  ({ width, height, ground, ink }) => {
    const { detections, cards } = slideIn(width, height, { ground, ink });
    for (const [i, card] of cards.entries()) {
      if (!card || i < CARD_FROM + 4) continue;
      const hidden = detections[i + 1]?.reachesBack ? detections[i + 1] : detections[i];
      const isCovered = hidden?.regions.some(
        ({ x, y, width, height }) =>
          x <= card.x &&
          y <= Math.max(0, card.y) &&
          x + width >= card.x + card.width &&
          y + height >= card.y + card.height,
      );
      expect(isCovered, `frame ${i}, card at ${card.y}`).toBe(true);
    }
    expect(detections.slice(0, CARD_FROM).every(({ state }) => state === "clear")).toBe(true);
    expect(detections.at(-1)).toMatchObject({ state: "clear", bannerCount: 1 });
  },
);
