import type { FakeClock, Random } from "@kagami/clock";
import { buildAvcRecord, isMalformed, parseAvcRecord } from "@kagami/media";
import type { GateReply, GateRequest } from "./gate-types.ts";

type Picture = Extract<GateRequest, { kind: "picture" }>;

/** What a picture's bytes say: which picture of the publisher is shown, and whether our encoder made it. */
export interface Shown {
  readonly id: number;
  readonly isReplaced: boolean;
  /** Counts the encoder's runs; a picture decodes only after those before it of its run. */
  readonly run: number;
}

export function showing(id: number, isReplaced: boolean, run: number): Uint8Array {
  return Uint8Array.of(isReplaced ? 1 : 0, id >> 16, id >> 8, id, run >> 8, run);
}

export function readShown(data: Uint8Array): Shown {
  const [flag = 0, high = 0, middle = 0, low = 0, runHigh = 0, runLow = 0] = data;
  return { id: (high << 16) | (middle << 8) | low, isReplaced: flag === 1, run: (runHigh << 8) | runLow };
}

export interface ScriptedFilterOptions {
  /** Chances for each picture. */
  readonly faults: {
    readonly die: number;
    /** Answers nothing any more until it is restarted. */
    readonly hang: number;
    /** Takes longer than a picture lasts, for a while. */
    readonly slow: number;
    readonly drop: number;
  };
  /** Chance for each picture that something to hide begins. */
  readonly hides: number;
  /** Longest time from a failure to the next process. */
  readonly maxRestartMs: number;
  readonly maxDelayMs: number;
}

interface FilterOwner {
  onReady(): void;
  onReply(reply: GateReply): void;
  onFailed(code: string): void;
  onClosed(): void;
}

/**
 * For tests: does what the filter process promises, at times and with faults that a seed decides. Throws when it is
 * given what a decoder could not take.
 */
export class ScriptedFilter {
  readonly #random: Random;
  readonly #clock: FakeClock;
  readonly #options: ScriptedFilterOptions;
  readonly #owner: FilterOwner;
  faults: ScriptedFilterOptions["faults"];
  /** Pictures of the publisher that were passed, and those shown in a replacement. */
  readonly passedIds = new Set<number>();
  readonly replacedIds = new Set<number>();
  restartCount = 0;
  #isOpen = false;
  #isClosing = false;
  #epoch = 0;
  #isHung = false;
  #busyUntilMs = 0;
  #slowUntilMs = 0;

  #nextSequence = 0;
  #hasConfig = false;
  #hasKey = false;
  #isFirstProcess = true;
  #isEncoding = false;
  #mustStartKey = false;
  #isBroken = false;
  /** Looked at, and not answered: one picture when passing, those to be reordered when encoding. */
  #waiting: Picture[] = [];
  #encoderRun = 0;
  #isRunStart = false;

  constructor(random: Random, clock: FakeClock, options: ScriptedFilterOptions, owner: FilterOwner) {
    this.#random = random;
    this.#clock = clock;
    this.#options = options;
    this.#owner = owner;
    this.faults = options.faults;
  }

  open(): void {
    if (this.#isOpen && !this.#isClosing) throw new Error("A second stream was opened");
    this.#isOpen = true;
    this.#isClosing = false;
    this.#isFirstProcess = true;
    this.#startProcess();
  }

  send(request: GateRequest): void {
    if (!this.#isOpen || this.#isClosing) throw new Error(`${request.kind} was sent without a stream`);
    if (request.kind === "settings" || this.#isHung) return;
    const delayMs =
      this.#random.int(0, this.#options.maxDelayMs) + (this.#clock.monotonicMs() < this.#slowUntilMs ? 60 : 0);
    const isReplay = request.kind === "picture" && request.isReplay;
    this.#busyUntilMs = Math.max(this.#clock.monotonicMs() + 1, this.#busyUntilMs) + (isReplay ? 2 : delayMs);
    this.#later(this.#busyUntilMs - this.#clock.monotonicMs(), () => this.#process(request));
  }

  restart(): void {
    this.#clock.after(this.#random.int(0, 20), () => {
      if (this.#isOpen) this.#fail("FILTER_RESTARTED");
    });
  }

  close(): void {
    if (!this.#isOpen || this.#isClosing) throw new Error("A closed stream was closed");
    this.#isClosing = true;
    this.#later(Math.max(1, this.#busyUntilMs - this.#clock.monotonicMs() + 1), () => {
      while (this.#waiting.length > 0) this.#answerFirst();
      this.#isOpen = false;
      this.#isClosing = false;
      this.#epoch++;
      this.#owner.onClosed();
    });
  }

  #later(delayMs: number, run: () => void): void {
    const epoch = this.#epoch;
    this.#clock.after(delayMs, () => {
      if (epoch === this.#epoch) run();
    });
  }

  #startProcess(): void {
    this.#epoch++;
    this.#isHung = false;
    this.#later(this.#random.int(1, this.#options.maxRestartMs), () => {
      this.#nextSequence = 0;
      this.#hasConfig = false;
      this.#hasKey = false;
      this.#isEncoding = false;
      this.#isBroken = false;
      // One that forgets to is no reason to show viewers what they cannot decode.
      this.#mustStartKey = !this.#isFirstProcess && this.#random.chance(0.7);
      this.#waiting = [];
      this.#busyUntilMs = 0;
      this.#owner.onReady();
    });
  }

  #fail(code: string): void {
    this.restartCount++;
    this.#isFirstProcess = false;
    this.#startProcess();
    this.#owner.onFailed(code);
  }

  #process(request: GateRequest): void {
    if (request.kind === "config") this.#onConfig(request.record);
    else if (request.kind === "picture") this.#onPicture(request);
  }

  #onConfig(record: Uint8Array): void {
    while (this.#waiting.length > 0) this.#answerFirst();
    this.#isEncoding = false;
    this.#hasConfig = true;
    this.#hasKey = false;
    const published = parseAvcRecord(record);
    if (isMalformed(published)) throw new Error(published.message);
    const both = buildAvcRecord(published.sps, [...published.pps, ...published.pps], published.tail);
    if (isMalformed(both)) throw new Error(both.message);
    this.#owner.onReply({ kind: "config", codec: "h264", record: both });
  }

  #onPicture(picture: Picture): void {
    if (picture.sequence !== this.#nextSequence)
      throw new Error(`Picture ${picture.sequence}, not ${this.#nextSequence}`);
    this.#nextSequence++;
    if (!this.#hasConfig) throw new Error("A picture came before its configuration");
    if (!this.#hasKey && !picture.isKey) throw new Error("The first picture is not a key frame");
    this.#hasKey = true;
    if (picture.isReplay) return;
    const { faults } = this;
    if (this.#random.chance(faults.slow)) this.#slowUntilMs = this.#clock.monotonicMs() + 1_500;
    if (this.#random.chance(faults.die)) {
      this.#fail("FILTER_DIED");
      return;
    }
    if (this.#random.chance(faults.hang)) {
      this.#isHung = true;
      this.#epoch++;
      return;
    }
    this.#look(picture);
  }

  #look(picture: Picture): void {
    const random = this.#random;
    if (picture.isKey) this.#isBroken = false;
    if (this.#isBroken || (!this.#mustStartKey && random.chance(this.faults.drop))) {
      this.#isBroken = true;
      while (this.#waiting.length > 0) this.#answerFirst();
      this.#isEncoding = false;
      this.#owner.onReply({ kind: "drop", sequence: picture.sequence });
      return;
    }
    if (this.#isEncoding && picture.isKey && random.chance(0.5)) {
      while (this.#waiting.length > 0) this.#answerFirst();
      this.#isEncoding = false;
    } else if (!this.#isEncoding && ((this.#mustStartKey && !picture.isKey) || random.chance(this.#options.hides))) {
      while (this.#waiting.length > 0) this.#answerFirst();
      this.#isEncoding = true;
      this.#isRunStart = true;
      this.#encoderRun++;
    }
    this.#mustStartKey = false;
    this.#waiting.push(picture);
    if (this.#isEncoding) this.#waiting.sort((a, b) => a.ptsUs - b.ptsUs);
    if (this.#waiting.length > (this.#isEncoding ? 3 : 1)) this.#answerFirst();
  }

  #answerFirst(): void {
    const picture = this.#waiting.shift();
    if (!picture) return;
    const { sequence, ptsUs, data } = picture;
    const { id } = readShown(data);
    if (!this.#isEncoding) {
      this.passedIds.add(id);
      this.#owner.onReply({ kind: "pass", sequence });
      return;
    }
    this.replacedIds.add(id);
    const isKey = this.#isRunStart;
    this.#isRunStart = false;
    this.#owner.onReply({ kind: "replace", sequence, ptsUs, isKey, data: showing(id, true, this.#encoderRun) });
  }
}
