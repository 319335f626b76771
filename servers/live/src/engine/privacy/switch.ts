import type { Region } from "@kagami/kernels";
import type { Detection } from "./detection.ts";

/** What becomes of a picture. Every picture that is not a replay gets one of the first three, once. */
export type SwitchAction =
  /** Leaves as the publisher sent it. Of all pictures without an answer it is the first in decoding order. */
  | { readonly kind: "pass"; readonly sequence: number }
  /** Is encoded anew, hidden where `regions` say; given in the order of presentation. */
  | {
      readonly kind: "encode";
      readonly sequence: number;
      readonly ptsUs: number;
      /** Must be an IDR picture: the first of a run, the publisher's key frames, and every `IDR_INTERVAL_US`. */
      readonly isIdr: boolean;
      readonly regions: readonly Region[];
    }
  /** Is left out, and the next place in decoding order with it. */
  | { readonly kind: "drop"; readonly sequence: number }
  /** A replayed picture: nothing is to be done with it but to let go of its decoded form. */
  | { readonly kind: "release"; readonly sequence: number };

/** A picture as it came, in decoding order. */
export interface SwitchPicture {
  readonly sequence: number;
  readonly ptsUs: number;
  /** A decoder can begin here, and no picture after it in decoding order is presented before it. */
  readonly isIdr: boolean;
  readonly isReplay: boolean;
}

/** While we encode, a viewer that joins waits for a key frame no longer than this, in microseconds. */
const IDR_INTERVAL_US = 2_000_000;

interface Entry extends SwitchPicture {
  /** Place in the order of presentation; -1 before it was looked at. */
  order: number;
  isClear: boolean;
  /** The picture after it, in presentation, was looked at too, or the two after it: nothing about it changes any more. */
  isDecided: boolean;
  /** Will never be looked at. */
  isMissing: boolean;
  regions: readonly Region[];
}

/**
 * Decides for each picture whether viewers get the publisher's bytes or ours.
 *
 *     decoding order      I0  P4  B2  B1  B3 | P8 ...         pictures come in, and pass, in this order
 *     presentation order  0   1   2   3   4  | 5 ...          detections come in, and we encode, in this order
 *
 * Two lists hold the pictures without an answer, one for each order; an answered picture leaves both. `passing`, the
 * head of the decoding order leaves once it is decided and clear. A picture that is decided and not clear turns the
 * switch to `encoding` as soon as the head is not presented before it: the pictures that are presented earlier and are
 * decoded earlier still pass, all others need a reference that viewers will not have. `encoding`, pictures leave in the
 * order of presentation until one is an IDR picture, clear, and the head of both lists.
 *
 * What was dropped breaks the chain of references for viewers and for the decoder alike, so that everything is dropped
 * up to the next IDR picture. Every method returns what can be done now, to be done in that order.
 */
export class PictureSwitch {
  #isAlways: boolean;
  #isEncoding = false;
  /** A viewer's decoder has the references of the publisher's next picture. */
  #isInSync = false;
  #needsIdr = false;
  #lastIdrUs = 0;
  /** Waits for an IDR picture after one that could not be decoded. */
  #isBroken = false;
  #presentedCount = 0;
  #decoding: Entry[] = [];
  #presented: Entry[] = [];

  /** @param isAlways Encodes every picture. */
  constructor(isAlways: boolean) {
    this.#isAlways = isAlways;
  }

  /** Viewers get our pictures. */
  get isEncoding(): boolean {
    return this.#isEncoding;
  }

  /** Pictures without an answer, replays included. */
  get heldCount(): number {
    return this.#decoding.length;
  }

  /** Takes effect with the next picture that has no answer; back to selective, at an IDR picture. */
  setAlways(isAlways: boolean): void {
    this.#isAlways = isAlways;
  }

  /** A picture has come and is being decoded. Sequences grow. */
  onPicture(picture: SwitchPicture): SwitchAction[] {
    if (this.#isBroken && !picture.isIdr) return [dropped(picture)];
    this.#isBroken = false;
    this.#decoding.push({ ...picture, order: -1, isClear: false, isDecided: false, isMissing: false, regions: [] });
    return [];
  }

  /** A picture was decoded and looked at, in the order of presentation. One that has its answer already is passed over. */
  onDetection(sequence: number, detection: Detection): SwitchAction[] {
    const before = this.#presented.at(-1);
    for (const entry of this.#presented) {
      if (entry.isDecided) continue;
      if (detection.reachesBack && detection.regions.length > 0) {
        entry.regions = [...entry.regions, ...detection.regions];
        entry.isClear = false;
      }
      entry.isDecided = entry !== before || !detection.isUnsure || detection.reachesBack;
    }
    const entry = this.#decoding.find((candidate) => candidate.sequence === sequence);
    if (entry !== undefined && entry.order < 0) {
      entry.order = this.#presentedCount++;
      entry.regions = detection.regions;
      entry.isClear = detection.state === "clear" && detection.regions.length === 0;
      this.#presented.push(entry);
    }
    const out: SwitchAction[] = [];
    this.#answer(out);
    return out;
  }

  /** The picture cannot be decoded, or only in part: nobody can say what it shows, nor what those that refer to it do. */
  onBroken(): SwitchAction[] {
    this.#isBroken = true;
    return this.#dropHeld();
  }

  /**
   * The decoder has left a picture out without an error, as it does with those that refer to something before the first
   * key frame. It alone is dropped if viewers get ours; if not, theirs depend on it.
   */
  onMissing(sequence: number): SwitchAction[] {
    const entry = this.#decoding.find((candidate) => candidate.sequence === sequence);
    if (entry === undefined || entry.order >= 0) return [];
    if (!this.#isEncoding && !this.#isAlways) return this.onBroken();
    entry.isMissing = true;
    const out: SwitchAction[] = [];
    this.#answer(out);
    return out;
  }

  /**
   * No picture will follow that these could be judged by; the decoder has given out all it had. What is decided leaves,
   * the rest is dropped. Afterwards a stream may begin anew with an IDR picture.
   */
  flush(): SwitchAction[] {
    const out: SwitchAction[] = [];
    this.#answer(out);
    out.push(...this.#dropHeld());
    this.#isBroken = true;
    return out;
  }

  #dropHeld(): SwitchAction[] {
    const out = this.#decoding.map(dropped);
    this.#decoding = [];
    this.#presented = [];
    this.#isInSync = false;
    return out;
  }

  #answer(out: SwitchAction[]): void {
    this.#releaseReplays(out);
    for (;;) {
      this.#dropMissing(out);
      if (this.#decoding.length === 0) return;
      if (!this.#isEncoding && this.#mustEncode()) {
        this.#isEncoding = true;
        this.#needsIdr = true;
      }
      if (!(this.#isEncoding ? this.#encodeNext(out) : this.#passHead(out))) return;
    }
  }

  #releaseReplays(out: SwitchAction[]): void {
    for (const entry of this.#presented.filter(({ isReplay, isDecided }) => isReplay && isDecided)) {
      this.#forget(entry);
      out.push({ kind: "release", sequence: entry.sequence });
    }
  }

  /** Those behind an IDR picture wait for it: whether they can be spared is known when it has left. */
  #dropMissing(out: SwitchAction[]): void {
    const nextIdr = this.#decoding.findIndex(({ isIdr, isMissing }) => isIdr && !isMissing);
    const missing = this.#decoding.slice(0, nextIdr < 0 ? undefined : nextIdr).filter(({ isMissing }) => isMissing);
    if (missing.length === 0) return;
    if (!this.#isEncoding && !this.#isAlways) {
      out.push(...this.onBroken());
      return;
    }
    this.#decoding = this.#decoding.filter((entry) => !missing.includes(entry));
    out.push(...missing.map(dropped));
  }

  #mustEncode(): boolean {
    if (this.#isAlways) return true;
    const head = this.#decoding[0] as Entry;
    // A replay at the head is not decided yet, so that the pictures behind it are not either.
    if (head.isReplay) return false;
    const firstHidden = this.#presented.find((entry) => entry.isDecided && !entry.isClear);
    if (firstHidden !== undefined) return head.order < 0 || head.order >= firstHidden.order;
    return head.isDecided && !this.#isInSync && !head.isIdr;
  }

  #passHead(out: SwitchAction[]): boolean {
    const head = this.#decoding[0] as Entry;
    if (!head.isDecided || !head.isClear || head.isReplay) return false;
    this.#isInSync = true;
    this.#forget(head);
    out.push({ kind: "pass", sequence: head.sequence });
    return true;
  }

  #encodeNext(out: SwitchAction[]): boolean {
    const next = this.#presented[0];
    if (next === undefined || !next.isDecided || next.isReplay) return false;
    if (next.isIdr && next.isClear && !this.#isAlways && this.#decoding[0] === next) {
      this.#isEncoding = false;
      return this.#passHead(out);
    }
    const isIdr = this.#needsIdr || next.isIdr || next.ptsUs - this.#lastIdrUs >= IDR_INTERVAL_US;
    if (isIdr) this.#lastIdrUs = next.ptsUs;
    this.#needsIdr = false;
    this.#isInSync = false;
    this.#forget(next);
    const { sequence, ptsUs, regions } = next;
    out.push({ kind: "encode", sequence, ptsUs, isIdr, regions });
    return true;
  }

  #forget(entry: Entry): void {
    this.#decoding.splice(this.#decoding.indexOf(entry), 1);
    this.#presented.splice(this.#presented.indexOf(entry), 1);
  }
}

function dropped({ sequence, isReplay }: SwitchPicture): SwitchAction {
  return { kind: isReplay ? "release" : "drop", sequence };
}
