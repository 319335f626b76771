import { mkdir } from "node:fs/promises";
import { dirname } from "node:path";
import { runTool } from "@kagami/testkit";
import { readLabels, unpackLabels } from "./encode.ts";

/** Colours of the outlines: banners red, distractors green, others blue; text that can be read is yellow. */
const OUTLINES = { banner: "red", distractor: "lime", other: "blue" } as const;

/**
 * Draws 24 frames of a clip with their labels into `<video>.png`: those around the beginning of each card, and others.
 *
 * @throws Error if ffmpeg cannot.
 */
export async function drawSheet(path: string, target = `${path}.png`): Promise<void> {
  const clip = await readLabels(path);
  const labels = unpackLabels(clip);
  const chosen = new Set<number>();
  for (const { boxes } of clip.tracks) {
    const first = boxes[0]?.[0] ?? 0;
    for (const offset of [0, 3, 6, 12, 45]) if (chosen.size < 20 && labels[first + offset]) chosen.add(first + offset);
  }
  for (let i = 0; chosen.size < 24 && i < clip.frameCount; i += Math.ceil(clip.frameCount / 30)) chosen.add(i);
  const frames = [...chosen].sort((a, b) => a - b);
  const boxes = frames.flatMap((index) =>
    (labels[index]?.cards ?? []).flatMap(({ kind, visible, readable }) => {
      const draw = (colour: string, { x, y, width, height }: typeof visible): string =>
        `drawbox=${x}:${y}:${width}:${height}:${colour}:2:enable='eq(n,${index})'`;
      return [draw(OUTLINES[kind], visible), ...(readable ? [draw("yellow", readable)] : [])];
    }),
  );
  const select = `select='${frames.map((index) => `eq(n,${index})`).join("+")}'`;
  const columns = clip.width > clip.height ? 4 : 8;
  const size = clip.width > clip.height ? "480:-2" : "240:-2";
  const filter = [...boxes, select, `scale=${size}`, `tile=${columns}x${24 / columns}`].join(",");
  await mkdir(dirname(target), { recursive: true });
  const args = ["-v", "error", "-y", "-i", path, "-vf", filter, "-frames:v", "1", "-update", "1", target];
  const { exitCode, stderr } = await runTool("ffmpeg", args, { timeoutMs: 120_000 });
  if (exitCode !== 0) throw new Error(`Cannot draw ${target}: ${stderr}`);
}
