import { fromHex } from "@kagami/bytes";
import { createRandom, FakeClock, type Random } from "@kagami/clock";
import {
  type AudioConfig,
  audioConfigFromRecord,
  isMalformed,
  type Sample,
  type VideoConfig,
  videoConfigFromRecord,
} from "@kagami/media";
import { PrivacyGate } from "./gate.ts";
import { DEFAULT_GATE_LIMITS, type FailurePolicy, type GateEffect, type GateLimits } from "./gate-types.ts";
import { ScriptedFilter, type ScriptedFilterOptions, showing } from "./gate-world-filter.ts";

/** Records of testdata/records.json in libs/media: baseline, and main with B-pictures. */
export const RECORDS = [
  fromHex("0142c00affe100186742c00ad9020bf97011000003000100000300320f12264801000668cb804d2c80"),
  fromHex("014d400affe10017674d400aeca105fcb808800000030080000019078912cb01000668ebe04d2c80"),
] as const;

export function videoConfig(record: Uint8Array): VideoConfig {
  const config = videoConfigFromRecord("h264", record);
  if (isMalformed(config)) throw new Error(config.message);
  return config;
}

export function audioConfig(channelCount: 1 | 2): AudioConfig {
  const config = audioConfigFromRecord("aac", Uint8Array.of(0x11, channelCount << 3));
  if (isMalformed(config)) throw new Error(config.message);
  return config;
}

export interface GateWorldOptions extends ScriptedFilterOptions {
  readonly seed: number;
  readonly policy: FailurePolicy;
  readonly hasReordering: boolean;
  readonly isMidway?: boolean;
  readonly limits?: Partial<GateLimits>;
}

const FRAME_MS = 40;
const AUDIO_MS = 21.333;
const GOP_PICTURES = 25;

/** Decoding order of a group with B-pictures, as distances in presentation: I P B B P B B, and so on. */
const REORDERED = [0, 3, 1, 2];

/** For tests: a publisher, the gate, a scripted filter and a viewer on one clock. */
export class GateWorld {
  readonly random: Random;
  readonly clock = new FakeClock();
  readonly limits: GateLimits;
  readonly gate: PrivacyGate;
  readonly filter: ScriptedFilter;
  readonly effects: GateEffect[] = [];
  /** Called with each effect and the time, for checks as it happens. */
  onEffect: (effect: GateEffect) => void = () => undefined;
  readonly pushed = { video: 0, audio: 0 };
  readonly keyIds = new Set<number>();
  policy: FailurePolicy;
  peakHeldBytes = 0;
  readonly #audio = audioConfig(2);
  readonly #hasReordering: boolean;
  #timer: { cancel(): void } | undefined;
  #config = 0;
  #inGop = 0;
  #audioUs = 0;
  #videoUs = 0;
  #hasFreshTracks = false;

  constructor(options: GateWorldOptions) {
    const { seed, policy, hasReordering, isMidway = false, limits } = options;
    this.random = createRandom(seed);
    this.policy = policy;
    this.#hasReordering = hasReordering;
    this.limits = { ...DEFAULT_GATE_LIMITS, ...limits };
    const tracks = { video: videoConfig(RECORDS[0]), audio: this.#audio };
    this.gate = new PrivacyGate({
      settings: { mode: "selective", style: "any", strength: 2, zones: [], startsCovered: false },
      policy,
      limits: this.limits,
      ...(isMidway && { output: tracks, published: tracks }),
    });
    this.filter = new ScriptedFilter(this.random.fork("filter"), this.clock, options, {
      onReady: () => this.take(this.gate.onReady(this.nowMs)),
      onReply: (reply) => this.take(this.gate.onReply(reply, this.nowMs)),
      onFailed: (code) => this.take(this.gate.onFailed(code, "as the script says", this.nowMs)),
      onClosed: () => this.take(this.gate.onClosed(this.nowMs)),
    });
    this.take(this.gate.start(this.nowMs));
    if (!isMidway) this.#hasFreshTracks = true;
  }

  get nowMs(): number {
    return this.clock.monotonicMs();
  }

  take(effects: readonly GateEffect[]): void {
    for (const effect of effects) {
      this.effects.push(effect);
      this.onEffect(effect);
      if (effect.kind === "open") this.filter.open();
      else if (effect.kind === "send") this.filter.send(effect.request);
      else if (effect.kind === "restart") this.filter.restart();
      else if (effect.kind === "close") this.filter.close();
    }
    this.peakHeldBytes = Math.max(this.peakHeldBytes, this.gate.heldBytes);
    this.#timer?.cancel();
    const { deadlineMs } = this.gate;
    if (deadlineMs === undefined) return;
    this.#timer = this.clock.after(Math.max(1, deadlineMs - this.nowMs), () =>
      this.take(this.gate.onDeadline(this.nowMs)),
    );
  }

  /** Publishes for so long, picture and sound at their own pace. */
  play(ms: number): void {
    const endMs = this.nowMs + ms;
    while (this.nowMs < endMs) {
      if (this.#hasFreshTracks) this.announce();
      const isVideoNext = this.#videoUs <= this.#audioUs;
      if (isVideoNext) this.#picture();
      else this.#sound();
      const nextMs = Math.min(this.#videoUs, this.#audioUs) / 1000;
      this.clock.advance(Math.max(0, nextMs - this.nowMs));
    }
  }

  /** Nobody publishes for so long. */
  rest(ms: number): void {
    this.clock.advance(ms);
    this.#videoUs += ms * 1000;
    this.#audioUs += ms * 1000;
  }

  /** Another publisher: a key frame comes next. */
  restartGroup(): void {
    this.#inGop = 0;
  }

  announce(): void {
    this.#hasFreshTracks = false;
    const video = videoConfig(RECORDS[this.#config % 2] as Uint8Array);
    this.take(this.gate.push({ kind: "tracks", video, audio: this.#audio }, this.nowMs));
  }

  changeConfig(): void {
    this.#config++;
    this.#inGop = 0;
    this.announce();
  }

  end(): void {
    this.take(this.gate.onPause(this.nowMs));
    this.clock.advance(this.limits.budgetMs);
    this.take(this.gate.end(this.nowMs));
  }

  #picture(): void {
    const index = this.#inGop;
    const isKey = index === 0;
    const id = ++this.pushed.video;
    if (isKey) this.keyIds.add(id);
    const dtsUs = this.#videoUs;
    this.#videoUs += FRAME_MS * 1000;
    this.#inGop = (index + 1) % GOP_PICTURES;
    const shift = isKey || !this.#hasReordering ? 0 : (REORDERED[((index - 1) % 3) + 1] ?? 1) - (((index - 1) % 3) + 1);
    const delay = this.#hasReordering ? 2 : 0;
    const ptsUs = dtsUs + (shift + delay) * FRAME_MS * 1000;
    const data = showing(id, false, 0);
    const sample: Sample = { kind: "video", dtsUs, ptsUs, durationUs: FRAME_MS * 1000, isKey, data };
    this.take(this.gate.push({ kind: "sample", sample }, this.nowMs));
  }

  #sound(): void {
    this.pushed.audio++;
    const dtsUs = Math.round(this.#audioUs);
    this.#audioUs += AUDIO_MS * 1000;
    const data = showing(this.pushed.audio, false, 0);
    const durationUs = Math.round(AUDIO_MS * 1000);
    const sample: Sample = { kind: "audio", dtsUs, ptsUs: dtsUs, durationUs, isKey: true, data };
    this.take(this.gate.push({ kind: "sample", sample }, this.nowMs));
  }
}
