// CPU of the demo broadcast's parts, and the bitrate it reaches. `--smoke` runs a second of it; `--json` prints
// one object a line. Plain CPU time instead of tinybench: pictures differ a hundredfold, so only the sum counts.
import { AacEncoder } from "../src/aac/encoder.ts";
import { FRAME_LENGTH } from "../src/aac/mdct.ts";
import { H264Encoder } from "../src/h264/encoder.ts";
import { Game } from "../src/scene/game.ts";
import { GameScene } from "../src/scene/scene.ts";
import { Sound } from "../src/scene/sound.ts";

const FPS = 30;
const isSmoke = process.argv.includes("--smoke");
const isJson = process.argv.includes("--json");
const sizes = [
  [720, 1280, 1200],
  [480, 854, 800],
  [360, 640, 500],
] as const;

/** Milliseconds of CPU, all threads: what garbage collection and compilation take counts too. */
function cpuMs(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000;
}

function report(scenario: string, figures: Readonly<Record<string, number>>): void {
  if (isJson) {
    for (const [figure, value] of Object.entries(figures))
      console.log(JSON.stringify({ part: "demo", scenario, figure, value }));
  } else {
    const text = Object.entries(figures).map(([name, value]) => `${name} ${value.toFixed(2)}`);
    console.log(`${scenario.padEnd(16)} ${text.join("  ")}`);
  }
}

function benchVideo(width: number, height: number, bitrateKbps: number, seconds: number): void {
  const scene = new GameScene({ seed: 1, width, height, fps: FPS });
  const encoder = new H264Encoder({ width, height, fps: FPS, bitrateKbps });
  const count = seconds * FPS;
  let drawMs = 0;
  let encodeMs = 0;
  let keyMs = 0;
  let keyCount = 0;
  let byteCount = 0;
  for (let index = 0; index < count; index++) {
    const start = cpuMs();
    const vectors = scene.next();
    const drawn = cpuMs();
    const { data, isKey } = encoder.encode(scene.picture, vectors);
    const took = cpuMs() - drawn;
    drawMs += drawn - start;
    encodeMs += took;
    if (isKey) {
      keyMs += took;
      keyCount++;
    }
    byteCount += data.length;
  }
  report(`video ${width}x${height}`, {
    "draw ms/picture": drawMs / count,
    "encode ms/picture": encodeMs / count,
    "key picture ms": keyMs / keyCount,
    "share of a core": ((drawMs + encodeMs) / count) * (FPS / 1000),
    kbps: (byteCount * 8 * FPS) / count / 1000,
  });
}

function benchAudio(seconds: number): void {
  const game = new Game(1, FPS);
  const sound = new Sound({ seed: 1, sampleRate: 48_000, channelCount: 2, fps: FPS });
  const encoder = new AacEncoder({ sampleRate: 48_000, channelCount: 2, bitrateKbps: 96 });
  const count = Math.floor((seconds * 48_000) / FRAME_LENGTH);
  let first = [new Float32Array(FRAME_LENGTH), new Float32Array(FRAME_LENGTH)];
  let second = [new Float32Array(FRAME_LENGTH), new Float32Array(FRAME_LENGTH)];
  let byteCount = 0;
  const start = cpuMs();
  for (let index = 0; index < count; index++) {
    [first, second] = [second, first];
    while (game.frame < (index * FRAME_LENGTH * FPS) / 48_000) for (const event of game.step()) sound.addEvent(event);
    sound.render(index * FRAME_LENGTH, second);
    byteCount += encoder.encode(first, second).length;
  }
  const took = cpuMs() - start;
  report("audio", {
    "ms/frame": took / count,
    "share of a core": took / 1000 / seconds,
    kbps: (byteCount * 8) / seconds / 1000,
  });
}

for (const [width, height, kbps] of isSmoke ? sizes.slice(2) : sizes) benchVideo(width, height, kbps, isSmoke ? 1 : 20);
benchAudio(isSmoke ? 1 : 20);
