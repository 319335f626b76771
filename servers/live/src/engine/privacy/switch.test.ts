import { createRandom, type Random, seeds } from "@kagami/clock";
import type { Region } from "@kagami/kernels";
import { expect, test } from "vitest";
import type { Detection } from "./detection.ts";
import { PictureSwitch, type SwitchAction } from "./switch.ts";

const REGION: Region = { x: 8, y: 8, width: 100, height: 40 };
const CLEAR: Detection = {
  state: "clear",
  regions: [],
  reachesBack: false,
  isUnsure: false,
  bannerCount: 0,
  explanation: [],
};
const BANNER: Detection = { ...CLEAR, state: "banner", regions: [REGION], bannerCount: 1 };
const BANNER_BEFORE: Detection = { ...BANNER, reachesBack: true };
const UNSURE: Detection = { ...CLEAR, isUnsure: true };
const LETTERS: Readonly<Record<string, Detection>> = { ".": CLEAR, "?": UNSURE, x: BANNER, b: BANNER_BEFORE };
const FRAME_US = 33_333;

/** Pictures in decoding order, each with its place in presentation; letters say what the detector says of it. */
function play(order: readonly number[], detections: string, idrs: readonly number[], isAlways = false): string[] {
  const machine = new PictureSwitch(isAlways);
  const out: SwitchAction[] = [];
  const byOrder = new Map(order.map((place, sequence) => [place, sequence]));
  let presented = 0;
  const present = (upTo: number): void => {
    for (; presented < upTo; presented++) {
      const detection = LETTERS[detections[presented] as string] as Detection;
      out.push(...machine.onDetection(byOrder.get(presented) as number, detection));
    }
  };
  for (const [sequence, place] of order.entries()) {
    const isIdr = idrs.includes(sequence);
    out.push(...machine.onPicture({ sequence, ptsUs: place * FRAME_US, isIdr, isReplay: false }));
    const arrived = order.slice(0, sequence + 1);
    let ready = presented;
    while (arrived.includes(ready)) ready++;
    present(ready);
  }
  out.push(...machine.flush());
  return out.map(spell);
}

function spell(action: SwitchAction): string {
  if (action.kind !== "encode") return `${action.kind} ${action.sequence}`;
  return `${action.isIdr ? "idr" : "encode"} ${action.sequence}${action.regions.length > 0 ? " hidden" : ""}`;
}

test.each([
  {
    why: "nothing shows, so each picture passes when the next was looked at; the last one is never judged",
    order: [0, 1, 2],
    detections: "...",
    idrs: [0],
    actions: ["pass 0", "pass 1", "drop 2"],
  },
  {
    why: "the picture with the banner starts our encode with an IDR picture",
    order: [0, 1, 2, 3],
    detections: "..x.",
    idrs: [0],
    actions: ["pass 0", "pass 1", "idr 2 hidden", "drop 3"],
  },
  {
    why: "a slide that is noticed late hides the picture before as well",
    order: [0, 1, 2, 3],
    detections: "..b.",
    idrs: [0],
    actions: ["pass 0", "idr 1 hidden", "idr 2 hidden".replace("idr", "encode"), "drop 3"],
  },
  {
    why: "a picture that may be the beginning of a banner holds the one before until the next was looked at",
    order: [0, 1, 2, 3, 4],
    detections: "..?..",
    idrs: [0],
    actions: ["pass 0", "pass 1", "pass 2", "pass 3", "drop 4"],
  },
  {
    why: "a slide that is noticed later still, after an unsure picture, hides the two pictures before",
    order: [0, 1, 2, 3, 4],
    detections: "..?b.",
    idrs: [0],
    actions: ["pass 0", "idr 1 hidden", "encode 2 hidden", "encode 3 hidden", "drop 4"],
  },
  {
    why: "no picture is held for more than two others, however long the detector is unsure",
    order: [0, 1, 2, 3, 4],
    detections: ".???b",
    idrs: [0],
    actions: ["pass 0", "pass 1", "idr 2 hidden", "encode 3 hidden", "drop 4"],
  },
  {
    why: "the publisher's bytes come back at its IDR picture and not before",
    order: [0, 1, 2, 3, 4, 5],
    detections: ".x....",
    idrs: [0, 4],
    actions: ["pass 0", "idr 1 hidden", "encode 2", "encode 3", "pass 4", "drop 5"],
  },
  {
    why: "an IDR picture before a late slide is ours",
    order: [0, 1, 2, 3, 4, 5],
    detections: ".x..b.",
    idrs: [0, 3],
    actions: ["pass 0", "idr 1 hidden", "encode 2", "idr 3 hidden", "encode 4 hidden", "drop 5"],
  },
  {
    why: "a banner in a B-picture takes the P-picture that came before it along",
    order: [0, 3, 1, 2, 6, 4, 5],
    detections: "..x....",
    idrs: [0],
    actions: ["pass 0", "idr 2", "encode 3 hidden", "encode 1", "encode 5", "encode 6", "drop 4"],
  },
  {
    why: "a banner in the P-picture leaves the B-pictures before it no reference either",
    order: [0, 3, 1, 2, 6, 4, 5],
    detections: "...x...",
    idrs: [0],
    actions: ["pass 0", "idr 2", "encode 3", "encode 1 hidden", "encode 5", "encode 6", "drop 4"],
  },
  {
    why: "a stream that begins without an IDR picture is encoded up to the first one",
    order: [0, 1, 2, 3],
    detections: "....",
    idrs: [2],
    actions: ["idr 0", "encode 1", "pass 2", "drop 3"],
  },
])("$why", ({ order, detections, idrs, actions }) => {
  expect(play(order, detections, idrs)).toEqual(actions);
});

test("always: every picture is ours, with an IDR picture where the publisher has one", () => {
  expect(play([0, 1, 2, 3, 4], ".....", [0, 2], true)).toEqual(["idr 0", "encode 1", "idr 2", "encode 3", "drop 4"]);
});

test("an IDR picture comes at least every two seconds of our own", () => {
  const order = Array.from({ length: 150 }, (_, i) => i);
  const spelled = play(order, "x".repeat(150), [0]);
  expect(spelled.filter((line) => line.startsWith("idr"))).toEqual(["idr 0 hidden", "idr 61 hidden", "idr 122 hidden"]);
});

test("a broken picture drops what is held and what follows, up to the next IDR picture", () => {
  const machine = new PictureSwitch(false);
  const come = (sequence: number, isIdr: boolean): string[] =>
    [
      ...machine.onPicture({ sequence, ptsUs: sequence * FRAME_US, isIdr, isReplay: false }),
      ...(sequence === 2 ? machine.onBroken() : machine.onDetection(sequence, CLEAR)),
    ].map(spell);
  expect(come(0, true)).toEqual([]);
  expect(come(1, false)).toEqual(["pass 0"]);
  expect(come(2, false)).toEqual(["drop 1", "drop 2"]);
  expect(come(3, false)).toEqual(["drop 3"]);
  expect(come(4, true)).toEqual([]);
  expect(come(5, false)).toEqual(["pass 4"]);
});

test("replayed pictures are let go, and the first one after them is ours unless it is an IDR picture", () => {
  const machine = new PictureSwitch(false);
  const come = (sequence: number, isIdr: boolean, isReplay: boolean): string[] =>
    [
      ...machine.onPicture({ sequence, ptsUs: sequence * FRAME_US, isIdr, isReplay }),
      ...machine.onDetection(sequence, CLEAR),
    ].map(spell);
  expect(come(0, true, true)).toEqual([]);
  expect(come(1, false, true)).toEqual(["release 0"]);
  expect(come(2, false, false)).toEqual(["release 1"]);
  expect(come(3, false, false)).toEqual(["idr 2"]);
  expect(come(4, true, false)).toEqual(["encode 3"]);
  expect(come(5, false, false)).toEqual(["pass 4"]);
});

test.each(seeds(300))("no picture to be hidden passes, and each gets one answer in order, seed %i", (seed) => {
  new World(seed).run();
});

interface Planned {
  readonly sequence: number;
  readonly place: number;
  readonly isIdr: boolean;
  readonly detection: Detection;
  readonly isBroken: boolean;
  readonly isMissing: boolean;
}

/** A publisher, a decoder that reorders, a script of banners, and the rules as they can be checked from outside. */
class World {
  readonly #random: Random;
  readonly #machine: PictureSwitch;
  readonly #pictures: Planned[];
  /** Decoding order, without an answer: the places that answers take. */
  readonly #slots: Planned[] = [];
  readonly #answered = new Set<number>();
  #lastEncodedPlace = -1;
  /** What a viewer's decoder could decode next: the sequence that passed last, or nothing after one of ours. */
  #lastPassed: number | undefined;
  #isInOurRun = false;
  /** IDR pictures of the publisher at which nothing was hidden and that still were encoded. */
  #lateReturns = 0;
  readonly #isAlways: boolean;

  constructor(seed: number) {
    this.#random = createRandom(seed);
    this.#isAlways = this.#random.chance(0.1);
    this.#machine = new PictureSwitch(this.#isAlways);
    this.#pictures = this.#plan();
  }

  run(): void {
    const depth = this.#reorderDepth;
    const waiting: Planned[] = [];
    const present = (picture: Planned): void =>
      this.#check(this.#machine.onDetection(picture.sequence, picture.detection));
    for (const picture of this.#pictures) {
      this.#slots.push(picture);
      if (picture.isIdr) for (const left of waiting.splice(0)) present(left);
      const { sequence, place, isIdr } = picture;
      this.#check(this.#machine.onPicture({ sequence, ptsUs: place * FRAME_US, isIdr, isReplay: false }));
      if (picture.isBroken) this.#check(this.#machine.onBroken());
      else if (picture.isMissing) this.#check(this.#machine.onMissing(sequence));
      else waiting.push(picture);
      waiting.sort((a, b) => a.place - b.place);
      while (waiting.length > depth) present(waiting.shift() as Planned);
    }
    for (const picture of waiting) present(picture);
    this.#check(this.#machine.flush());
    expect(this.#answered.size).toBe(this.#pictures.length);
    expect(this.#lateReturns).toBe(0);
    expect(this.#machine.heldCount).toBe(0);
  }

  #reorderDepth = 0;

  #plan(): Planned[] {
    const random = this.#random;
    const patterns = [[0], [1, 0], [2, 0, 1], [3, 1, 0, 2]];
    const pattern = patterns[random.int(0, 3)] as number[];
    this.#reorderDepth = [0, 1, 1, 2][pattern.length - 1] as number;
    const detections = this.#script(260);
    const faults = random.chance(0.3) ? 0.02 : 0;
    const pictures: Planned[] = [];
    while (pictures.length < 200) {
      const gopStart = pictures.length;
      const miniGops = random.int(1, 12);
      const places = [
        0,
        ...Array.from({ length: miniGops }, (_, i) => pattern.map((p) => 1 + i * pattern.length + p)).flat(),
      ];
      for (const place of places) {
        const isFirst = place === 0;
        pictures.push({
          sequence: pictures.length,
          place: gopStart + place,
          isIdr: isFirst,
          detection: detections[gopStart + place] as Detection,
          isBroken: !isFirst && random.chance(faults),
          isMissing: !isFirst && random.chance(faults),
        });
      }
    }
    return pictures;
  }

  #script(length: number): Detection[] {
    const script: Detection[] = [];
    while (script.length < length + 60) {
      for (let i = this.#random.int(1, 60); i > 0; i--) script.push(this.#random.chance(0.2) ? UNSURE : CLEAR);
      script.push(this.#random.chance(0.5) ? BANNER_BEFORE : BANNER);
      for (let i = this.#random.int(0, 20); i > 0; i--) script.push(BANNER);
    }
    return script;
  }

  #check(actions: readonly SwitchAction[]): void {
    for (const action of actions) {
      const picture = this.#pictures[action.sequence] as Planned;
      expect(this.#answered.has(action.sequence), `${action.sequence} answered twice`).toBe(false);
      this.#answered.add(action.sequence);
      const slot = this.#slots.shift() as Planned;
      if (action.kind === "pass") {
        expect(slot.sequence, "passes at the head").toBe(action.sequence);
        expect(this.#mustHide(picture), `${action.sequence} leaks`).toBe(false);
        const isDecodable = picture.isIdr || (!this.#isInOurRun && this.#lastPassed === action.sequence - 1);
        expect(isDecodable, `${action.sequence} passes without its references`).toBe(true);
        this.#lastPassed = action.sequence;
        this.#isInOurRun = false;
      } else if (action.kind === "encode") {
        this.#checkEncode(action, picture);
      } else {
        expect(action.kind).toBe("drop");
      }
    }
  }

  #checkEncode(action: SwitchAction & { readonly kind: "encode" }, picture: Planned): void {
    if (!this.#isInOurRun) expect(action.isIdr, `${action.sequence} starts a run`).toBe(true);
    else expect(picture.place, "encoded in the order of presentation").toBeGreaterThan(this.#lastEncodedPlace);
    if (this.#mustHide(picture)) expect(action.regions).toContainEqual(REGION);
    else if (picture.isIdr && !this.#isAlways) this.#lateReturns++;
    this.#isInOurRun = true;
    this.#lastEncodedPlace = picture.place;
  }

  #mustHide(picture: Planned): boolean {
    const seen = this.#pictures.filter(
      ({ place, isBroken, isMissing }) => place > picture.place && !isBroken && !isMissing,
    );
    const [after, second] = seen.sort((a, b) => a.place - b.place);
    const isHeldOn = after?.detection.isUnsure === true && second?.detection.reachesBack === true;
    return picture.detection.regions.length > 0 || after?.detection.reachesBack === true || isHeldOn;
  }
}
