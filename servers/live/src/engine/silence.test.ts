import { type AudioConfig, audioConfigFromRecord, isMalformed } from "@kagami/media";
import { runTool } from "@kagami/testkit";
import { expect, test } from "vitest";
import { silentFrame } from "./silence.ts";

const RATES = [96_000, 88_200, 64_000, 48_000, 44_100, 32_000, 24_000, 22_050, 16_000, 12_000, 11_025, 8_000];

function configOf(sampleRate: number, channelCount: number): AudioConfig {
  const index = RATES.indexOf(sampleRate);
  const config = audioConfigFromRecord(
    "aac",
    Uint8Array.of(0x10 | (index >> 1), ((index & 1) << 7) | (channelCount << 3)),
  );
  if (isMalformed(config)) throw new Error(config.message);
  return config;
}

/** The frame in an ADTS header (ISO 14496-3 §1.A.2), so that ffmpeg can read it by itself. */
function adts(frame: Uint8Array, sampleRate: number, channelCount: number): Uint8Array {
  const byteCount = frame.length + 7;
  const index = RATES.indexOf(sampleRate);
  const head = [0xff, 0xf1, 0x40 | (index << 2) | (channelCount >> 2), ((channelCount & 3) << 6) | (byteCount >> 11)];
  return Uint8Array.from([...head, (byteCount >> 3) & 0xff, ((byteCount & 7) << 5) | 0x1f, 0xfc, ...frame]);
}

test.each([
  { sampleRate: 48_000, channelCount: 2 },
  { sampleRate: 44_100, channelCount: 1 },
  { sampleRate: 22_050, channelCount: 2 },
])(
  "ffmpeg decodes our silence at $sampleRate Hz, $channelCount channels, into zeros and says nothing",
  async (format) => {
    const { sampleRate, channelCount } = format;
    const frame = silentFrame(configOf(sampleRate, channelCount)) ?? new Uint8Array();
    const one = adts(frame, sampleRate, channelCount);
    const input = Uint8Array.from(Array.from({ length: 20 }, () => [...one]).flat());
    const args = ["-v", "warning", "-f", "aac", "-i", "pipe:0", "-f", "s16le", "-c:a", "pcm_s16le", "pipe:1"];
    const { stdoutBytes, stderr, exitCode } = await runTool("ffmpeg", args, { input });
    expect({ exitCode, stderr: stderr.replace(/.*Estimating duration.*\n/, "") }).toEqual({ exitCode: 0, stderr: "" });
    expect(stdoutBytes.length).toBe(20 * 1024 * 2 * channelCount);
    expect(stdoutBytes.every((byte) => byte === 0)).toBe(true);
  },
);

test.each([
  { why: "Opus", config: { ...configOf(48_000, 2), codec: "opus", codecString: "opus" } as const },
  { why: "HE-AAC", config: { ...configOf(48_000, 2), codecString: "mp4a.40.5" } },
  { why: "six channels", config: { ...configOf(48_000, 2), channelCount: 6 } },
])("there is no silence for $why", ({ config }) => {
  expect(silentFrame(config)).toBeUndefined();
});
