import { PrivacyGate } from "./gate.ts";
import {
  DEFAULT_GATE_LIMITS,
  type FailurePolicy,
  type GateEffect,
  type GateLimits,
  type GateReply,
} from "./gate-types.ts";
import { audioConfig, RECORDS, videoConfig } from "./gate-world.ts";

const VIDEO = videoConfig(RECORDS[0]);
export const OTHER_VIDEO = videoConfig(RECORDS[1]);
export const AUDIO = audioConfig(2);
export const CONFIG_REPLY: GateReply = { kind: "config", codec: "h264", record: RECORDS[1] };
export const SETTINGS = { mode: "selective", style: "any", strength: 2, zones: [], startsCovered: false } as const;

/** For tests: a gate with a clock, its effects as short lines. */
export class GateBench {
  gate: PrivacyGate;
  nowMs = 1_000;
  #videoCount = 0;
  #audioCount = 0;

  constructor(policy: FailurePolicy = "cover", limits: Partial<GateLimits> = {}, isMidway = false) {
    const tracks = { video: VIDEO, audio: AUDIO };
    const all = { ...DEFAULT_GATE_LIMITS, ...limits };
    const known = isMidway ? { output: tracks, published: tracks } : {};
    this.gate = new PrivacyGate({ settings: SETTINGS, policy, limits: all, ...known });
  }

  tracks(video = VIDEO): string[] {
    return lines(this.gate.push({ kind: "tracks", video, audio: AUDIO }, this.nowMs));
  }

  /** Picture number n, 40 ms after the one before. */
  picture(isKey = false): string[] {
    const n = this.#videoCount++;
    const at = n * 40_000;
    const sample = { kind: "video", dtsUs: at, ptsUs: at, durationUs: 40_000, isKey, data: Uint8Array.of(n) } as const;
    return lines(this.gate.push({ kind: "sample", sample }, this.nowMs));
  }

  sound(): string[] {
    const n = this.#audioCount++;
    const at = n * 21_333;
    const data = Uint8Array.of(n);
    const sample = { kind: "audio", dtsUs: at, ptsUs: at, durationUs: 21_333, isKey: true, data } as const;
    return lines(this.gate.push({ kind: "sample", sample }, this.nowMs));
  }

  ready(): string[] {
    return lines(this.gate.onReady(this.nowMs));
  }

  reply(reply: GateReply): string[] {
    return lines(this.gate.onReply(reply, this.nowMs));
  }

  pass(sequence: number): string[] {
    return this.reply({ kind: "pass", sequence });
  }

  replace(sequence: number, isKey = false, ptsUs = sequence * 40_000): string[] {
    return this.reply({ kind: "replace", sequence, ptsUs, isKey, data: Uint8Array.of(200 + sequence) });
  }

  wait(ms: number): string[] {
    this.nowMs += ms;
    return lines(this.gate.onDeadline(this.nowMs));
  }

  fail(code = "FILTER_DIED"): string[] {
    return lines(this.gate.onFailed(code, "in a test", this.nowMs));
  }

  /** A stream that runs: one key frame has gone out. */
  run(): this {
    this.tracks();
    this.ready();
    this.reply(CONFIG_REPLY);
    this.picture(true);
    this.pass(0);
    return this;
  }
}

/** Effects as a test reads them. */
export function lines(effects: readonly GateEffect[]): string[] {
  return effects.map((effect) => {
    if (effect.kind === "tracks") {
      const { video } = effect.event;
      return `tracks ${video?.codecString ?? "none"}`;
    }
    if (effect.kind === "sample") {
      const { kind, data, isKey, ptsUs } = effect.sample;
      if (kind === "audio") return `sound ${data[0]}`;
      return `${effect.isReplaced ? "replaced" : "picture"} ${data[0]}${isKey ? " key" : ""} at ${ptsUs / 1000}`;
    }
    if (effect.kind === "send") {
      const { request } = effect;
      if (request.kind !== "picture") return `send ${request.kind}`;
      return `send ${request.sequence}${request.isReplay ? " replay" : ""}: ${request.data[0]}`;
    }
    if (effect.kind === "lost") return `lost ${effect.reason}`;
    return effect.kind;
  });
}
