// Pixel loops of the composition. All arithmetic is on integers, so that a seed gives the same bytes everywhere.
import type { Plane, Region, YuvFrame } from "@kagami/kernels";
import { type ChromaLayer, createFrame, rowSpans, type Sprite } from "./raster.ts";

const div255 = (value: number): number => ((value + 128) * 257) >> 16;

/** Copies a window of a plate that repeats in both directions; `x` and `y` are the window's corner on it. */
export function drawPlate(frame: YuvFrame, clip: Region, plate: YuvFrame, x: number, y: number): void {
  copyWrapped(frame.y, clip.x, clip.y, clip.width, clip.height, plate.y, x, y);
  const [cx, cy, cw, ch] = [clip.x >> 1, clip.y >> 1, clip.width >> 1, clip.height >> 1];
  copyWrapped(frame.u, cx, cy, cw, ch, plate.u, x >> 1, y >> 1);
  copyWrapped(frame.v, cx, cy, cw, ch, plate.v, x >> 1, y >> 1);
}

function copyWrapped(
  into: Plane,
  left: number,
  top: number,
  width: number,
  height: number,
  from: Plane,
  x: number,
  y: number,
): void {
  const startX = ((x % from.width) + from.width) % from.width;
  if (startX === 0 && width === from.width && width === from.stride && width === into.stride) {
    // Rows follow one another without a gap on both sides.
    for (let done = 0, row = ((y % from.height) + from.height) % from.height; done < height; row = 0) {
      const count = Math.min(height - done, from.height - row);
      into.data.set(from.data.subarray(row * width, (row + count) * width), (top + done) * width);
      done += count;
    }
    return;
  }
  for (let row = 0; row < height; row++) {
    const sourceY = (((y + row) % from.height) + from.height) % from.height;
    const target = (top + row) * into.stride + left;
    for (let done = 0, sourceX = startX; done < width; sourceX = 0) {
      const count = Math.min(width - done, from.width - sourceX);
      const start = sourceY * from.stride + sourceX;
      into.data.set(from.data.subarray(start, start + count), target + done);
      done += count;
    }
  }
}

/** Scales a part of a picture to a region of another, bilinearly. The region and `from` may have any size. */
export function drawScaled(frame: YuvFrame, into: Region, picture: YuvFrame, from: Region): void {
  scalePlane(frame.y, into, picture.y, from);
  const half = (region: Region): Region => ({
    x: region.x / 2,
    y: region.y / 2,
    width: region.width / 2,
    height: region.height / 2,
  });
  const chroma = half(into);
  const target = { x: chroma.x | 0, y: chroma.y | 0, width: chroma.width | 0, height: chroma.height | 0 };
  scalePlane(frame.u, target, picture.u, half(from));
  scalePlane(frame.v, target, picture.v, half(from));
}

function scalePlane(into: Plane, region: Region, plane: Plane, from: Region): void {
  const columns = new Int32Array(region.width);
  const shares = new Int32Array(region.width);
  for (let x = 0; x < region.width; x++) {
    const at = clampInt((from.x + ((x + 0.5) * from.width) / region.width - 0.5) * 256, 0, (plane.width - 1) * 256 - 1);
    columns[x] = at >> 8;
    shares[x] = at & 255;
  }
  const line = new Int32Array(plane.width + 1);
  const firstColumn = columns[0]!;
  const lastColumn = columns[region.width - 1]! + 1;
  const source = plane.data;
  for (let y = 0; y < region.height; y++) {
    const at = clampInt(
      (from.y + ((y + 0.5) * from.height) / region.height - 0.5) * 256,
      0,
      (plane.height - 1) * 256 - 1,
    );
    const share = at & 255;
    const start = (at >> 8) * plane.stride;
    const next = start + plane.stride;
    for (let x = firstColumn; x <= lastColumn; x++) {
      line[x] = source[start + x]! * (256 - share) + source[next + x]! * share;
    }
    const target = (region.y + y) * into.stride + region.x;
    const data = into.data;
    for (let x = 0; x < region.width; x++) {
      const column = columns[x]!;
      const first = line[column]!;
      data[target + x] = (first * 256 + (line[column + 1]! - first) * shares[x]! + 32_768) >> 16;
    }
  }
}

function clampInt(value: number, min: number, max: number): number {
  return Math.max(min, Math.min(max, value)) | 0;
}

/**
 * Draws a card with its left upper corner at whole pixels (x, y), cut to `clip`, which is even.
 *
 * @param opacity 0 to 256.
 */
export function drawSprite(frame: YuvFrame, clip: Region, sprite: Sprite, x: number, y: number, opacity: number): void {
  if (opacity <= 0) return;
  blendLayer(frame.y, clip, sprite.luma, sprite.luma.y, x, y, opacity);
  const half = { x: clip.x >> 1, y: clip.y >> 1, width: clip.width >> 1, height: clip.height >> 1 };
  // Which four pixels share a chroma sample depends on whether the position is odd.
  const phase = (x & 1) + 2 * (y & 1);
  const chroma = sprite.chroma[phase] ?? halve(sprite, x & 1, y & 1);
  sprite.chroma[phase] = chroma;
  blendLayer(frame.u, half, chroma, chroma.u, x >> 1, y >> 1, opacity);
  blendLayer(frame.v, half, chroma, chroma.v, x >> 1, y >> 1, opacity);
}

/** What the pixels of a layer have in common: alpha, and from where to where each row has any. */
interface Layer {
  readonly width: number;
  readonly height: number;
  readonly a: Uint8Array;
  /** First column with alpha and the one after the last, for each row. */
  readonly spans: Int32Array;
}

function blendLayer(
  into: Plane,
  clip: Region,
  layer: Layer,
  values: Uint8Array,
  x: number,
  y: number,
  opacity: number,
): void {
  const { width, height, a: alpha, spans } = layer;
  const target = into.data;
  const bottom = Math.min(clip.y + clip.height, y + height);
  for (let row = Math.max(clip.y, y); row < bottom; row++) {
    const left = Math.max(clip.x, x + spans[(row - y) * 2]!);
    const right = Math.min(clip.x + clip.width, x + spans[(row - y) * 2 + 1]!);
    let from = (row - y) * width + left - x;
    let to = row * into.stride + left;
    const end = to + right - left;
    if (opacity === 256) {
      for (; to < end; to++, from++) {
        target[to] = values[from]! + div255(target[to]! * (255 - alpha[from]!));
      }
    } else {
      for (; to < end; to++, from++) {
        const faded = (alpha[from]! * opacity) >> 8;
        target[to] = ((values[from]! * opacity) >> 8) + div255(target[to]! * (255 - faded));
      }
    }
  }
}

/** Means of two by two pixels of a card that begins at an odd (1) or even (0) position. */
function halve(sprite: Sprite, oddX: number, oddY: number): ChromaLayer {
  const { width, height, a } = sprite.luma;
  const halfWidth = (width + oddX + 1) >> 1;
  const halfHeight = (height + oddY + 1) >> 1;
  const mean = (plane: Uint8Array): Uint8Array => {
    const result = new Uint8Array(halfWidth * halfHeight);
    for (let cy = 0; cy < halfHeight; cy++) {
      for (let cx = 0; cx < halfWidth; cx++) {
        let sum = 2;
        for (let sy = Math.max(0, cy * 2 - oddY); sy < Math.min(height, cy * 2 - oddY + 2); sy++) {
          for (let sx = Math.max(0, cx * 2 - oddX); sx < Math.min(width, cx * 2 - oddX + 2); sx++) {
            sum += plane[sy * width + sx]!;
          }
        }
        result[cy * halfWidth + cx] = sum >> 2;
      }
    }
    return result;
  };
  const alpha = mean(a);
  const size = { width: halfWidth, height: halfHeight };
  return { ...size, u: mean(sprite.u), v: mean(sprite.v), a: alpha, spans: rowSpans(alpha, halfWidth, halfHeight) };
}

/** A copy of a card at another size. Lines and box follow. */
export function scaleSprite(sprite: Sprite, scaleX: number, scaleY: number): Sprite {
  const source = sprite.luma;
  const width = Math.max(2, Math.round(source.width * scaleX));
  const height = Math.max(2, Math.round(source.height * scaleY));
  const whole = { x: 0, y: 0, width: source.width, height: source.height };
  const scale = (data: Uint8Array): Uint8Array => {
    const into = { data: new Uint8Array(width * height), stride: width, width, height };
    scalePlane(
      into,
      { x: 0, y: 0, width, height },
      { data, stride: source.width, width: source.width, height: source.height },
      whole,
    );
    return into.data;
  };
  const region = <T extends Region>(area: T): T => ({
    ...area,
    x: area.x * scaleX,
    y: area.y * scaleY,
    width: area.width * scaleX,
    height: area.height * scaleY,
  });
  const alpha = scale(sprite.luma.a);
  return {
    luma: { width, height, y: scale(sprite.luma.y), a: alpha, spans: rowSpans(alpha, width, height) },
    u: scale(sprite.u),
    v: scale(sprite.v),
    chroma: [],
    box: region(sprite.box),
    lines: sprite.lines.map((line) => ({ ...region(line), fontPx: line.fontPx * Math.min(scaleX, scaleY) })),
  };
}

/** Blurs what is behind a rounded rectangle, as frosted glass does; `opacity` is 0 to 256. */
export function drawGlass(
  frame: YuvFrame,
  clip: Region,
  box: Region,
  corner: number,
  radius: number,
  opacity: number,
): void {
  const left = Math.max(clip.x, Math.floor(box.x)) & ~1;
  const top = Math.max(clip.y, Math.floor(box.y)) & ~1;
  const right = Math.min(clip.x + clip.width, (Math.ceil(box.x + box.width) + 1) & ~1);
  const bottom = Math.min(clip.y + clip.height, (Math.ceil(box.y + box.height) + 1) & ~1);
  if (right - left < 8 || bottom - top < 8 || opacity <= 0) return;
  const region = { x: left, y: top, width: right - left, height: bottom - top };
  // Blurred at an eighth of the size: nothing finer is left of it anyway.
  const small = createFrame(Math.max(4, region.width >> 3), Math.max(4, region.height >> 3));
  drawScaledDown(small, frame, region);
  for (const plane of [small.y, small.u, small.v]) {
    const steps = Math.max(1, Math.round(radius / (plane === small.y ? 8 : 16)));
    boxBlur(plane, steps);
    boxBlur(plane, steps);
  }
  const blurred = createFrame(region.width, region.height);
  const whole = { x: 0, y: 0, width: region.width, height: region.height };
  drawScaled(blurred, whole, small, { x: 0, y: 0, width: small.y.width, height: small.y.height });
  mixRounded(frame.y, left, top, blurred.y, box, corner, opacity);
  const half = { x: box.x / 2, y: box.y / 2, width: box.width / 2, height: box.height / 2 };
  mixRounded(frame.u, left >> 1, top >> 1, blurred.u, half, corner / 2, opacity);
  mixRounded(frame.v, left >> 1, top >> 1, blurred.v, half, corner / 2, opacity);
}

/** Mixes a picture in at (left, top), within a rounded box. */
function mixRounded(
  into: Plane,
  left: number,
  top: number,
  from: Plane,
  box: Region,
  corner: number,
  opacity: number,
): void {
  const radius = Math.min(corner, box.width / 2, box.height / 2);
  // Between these columns every row of the box is covered whole.
  const inner = Math.max(0, Math.min(from.width, Math.ceil(box.x + radius - left)));
  const outer = Math.max(inner, Math.min(from.width, Math.floor(box.x + box.width - radius - left)));
  for (let y = 0; y < from.height; y++) {
    const source = y * from.stride;
    const target = (top + y) * into.stride + left;
    const middle = (roundedCover(box, corner, left + (inner + outer) / 2, top + y + 0.5) * opacity) >> 8;
    for (let x = 0; x < from.width; x++) {
      if (x === inner && outer > inner) {
        if (middle === 256) into.data.set(from.data.subarray(source + inner, source + outer), target + inner);
        else mixSamples(into.data, target + inner, from.data, source + inner, outer - inner, middle);
        x = outer;
        if (x >= from.width) break;
      }
      const share = (roundedCover(box, corner, left + x + 0.5, top + y + 0.5) * opacity) >> 8;
      mixSamples(into.data, target + x, from.data, source + x, 1, share);
    }
  }
}

function mixSamples(
  into: Uint8Array,
  target: number,
  from: Uint8Array,
  source: number,
  count: number,
  share: number,
): void {
  for (let i = 0; i < count; i++) {
    into[target + i] = (into[target + i]! * (256 - share) + from[source + i]! * share + 128) >> 8;
  }
}

/** How much of the pixel around (x, y) a rounded rectangle covers, 0 to 256. */
function roundedCover(box: Region, corner: number, x: number, y: number): number {
  const radius = Math.min(corner, box.width / 2, box.height / 2);
  const dx = Math.abs(x - box.x - box.width / 2) - box.width / 2 + radius;
  const dy = Math.abs(y - box.y - box.height / 2) - box.height / 2 + radius;
  if (dx <= 0 && dy <= 0 && radius >= 0.5) return 256;
  const distance = dx > 0 && dy > 0 ? Math.sqrt(dx * dx + dy * dy) - radius : Math.max(dx, dy) - radius;
  return distance <= -0.5 ? 256 : distance >= 0.5 ? 0 : Math.round((0.5 - distance) * 256);
}

function drawScaledDown(small: YuvFrame, frame: YuvFrame, region: Region): void {
  averageDown(small.y, frame.y, region.x, region.y, region.width, region.height);
  const [x, y, width, height] = [region.x >> 1, region.y >> 1, region.width >> 1, region.height >> 1];
  averageDown(small.u, frame.u, x, y, width, height);
  averageDown(small.v, frame.v, x, y, width, height);
}

function averageDown(into: Plane, from: Plane, left: number, top: number, width: number, height: number): void {
  for (let y = 0; y < into.height; y++) {
    const y0 = top + Math.floor((y * height) / into.height);
    const y1 = Math.max(y0 + 1, top + Math.floor(((y + 1) * height) / into.height));
    for (let x = 0; x < into.width; x++) {
      const x0 = left + Math.floor((x * width) / into.width);
      const x1 = Math.max(x0 + 1, left + Math.floor(((x + 1) * width) / into.width));
      let sum = 0;
      for (let row = y0; row < y1; row++) {
        for (let i = row * from.stride + x0; i < row * from.stride + x1; i++) sum += from.data[i]!;
      }
      into.data[y * into.stride + x] = Math.floor(sum / ((y1 - y0) * (x1 - x0)));
    }
  }
}

function boxBlur(plane: Plane, radius: number): void {
  const { data, stride, width, height } = plane;
  for (let y = 0; y < height; y++) blurLine(data, y * stride, 1, width, radius);
  for (let x = 0; x < width; x++) blurLine(data, x, stride, height, radius);
}

function blurLine(data: Uint8Array, start: number, step: number, count: number, radius: number): void {
  const line = new Uint8Array(count);
  for (let i = 0; i < count; i++) line[i] = data[start + i * step]!;
  const at = (i: number): number => line[Math.max(0, Math.min(count - 1, i))]!;
  let sum = 0;
  for (let i = -radius; i <= radius; i++) sum += at(i);
  for (let i = 0; i < count; i++) {
    data[start + i * step] = sum / (2 * radius + 1);
    sum += at(i + radius + 1) - at(i - radius);
  }
}

/** Mixes everything within the region with one luma, chroma with gray; `share` is 0 to 256. */
export function drawTint(frame: YuvFrame, region: Region, luma: number, share: number): void {
  if (share <= 0) return;
  tintPlane(frame.y, region.x, region.y, region.width, region.height, luma, share);
  const [x, y, width, height] = [region.x >> 1, region.y >> 1, region.width >> 1, region.height >> 1];
  tintPlane(frame.u, x, y, width, height, 128, share);
  tintPlane(frame.v, x, y, width, height, 128, share);
}

function tintPlane(
  plane: Plane,
  left: number,
  top: number,
  width: number,
  height: number,
  value: number,
  share: number,
): void {
  const keep = 256 - share;
  const add = value * share + 128;
  for (let y = top; y < top + height; y++) {
    for (let i = y * plane.stride + left, end = i + width; i < end; i++) {
      plane.data[i] = (plane.data[i]! * keep + add) >> 8;
    }
  }
}
