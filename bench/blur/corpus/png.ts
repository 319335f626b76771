import { inflateSync } from "node:zlib";

export interface RgbaImage {
  readonly width: number;
  readonly height: number;
  /** Four bytes a pixel, alpha not multiplied in. */
  readonly rgba: Uint8Array;
}

const SIGNATURE = [0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a];

/**
 * Decodes what Chromium writes: 8 bits, RGB or RGBA, not interlaced.
 *
 * @throws Error for any other PNG.
 * @see PNG (third edition) §5, §9
 */
export function decodePng(bytes: Uint8Array): RgbaImage {
  if (SIGNATURE.some((byte, i) => bytes[i] !== byte)) throw new Error("Cannot decode a PNG: its signature is missing");
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const data: Uint8Array[] = [];
  let width = 0;
  let height = 0;
  let channels = 0;
  for (let offset = 8; offset + 12 <= bytes.length; ) {
    const length = view.getUint32(offset);
    const type = String.fromCharCode(...bytes.subarray(offset + 4, offset + 8));
    const start = offset + 8;
    if (type === "IHDR") {
      width = view.getUint32(start);
      height = view.getUint32(start + 4);
      const [depth, colour, , , interlace] = bytes.subarray(start + 8, start + 13);
      channels = colour === 6 ? 4 : colour === 2 ? 3 : 0;
      if (depth !== 8 || channels === 0 || interlace !== 0) {
        throw new Error(`Cannot decode a PNG of depth ${depth}, colour type ${colour}, interlace ${interlace}`);
      }
    }
    if (type === "IDAT") data.push(bytes.subarray(start, start + length));
    offset = start + length + 4;
  }
  const rows = inflateSync(Buffer.concat(data));
  if (channels === 0 || rows.length !== height * (width * channels + 1)) {
    throw new Error("Cannot decode a PNG: it is cut off");
  }
  return { width, height, rgba: unfilter(rows, width, height, channels) };
}

function unfilter(rows: Uint8Array, width: number, height: number, channels: number): Uint8Array {
  const stride = width * channels;
  const rgba = new Uint8Array(width * height * 4).fill(255);
  let above = new Uint8Array(stride);
  let line = new Uint8Array(stride);
  for (let y = 0; y < height; y++) {
    const start = y * (stride + 1);
    const filter = rows[start]!;
    for (let i = 0; i < stride; i++) {
      const left = i >= channels ? line[i - channels]! : 0;
      const up = above[i]!;
      const corner = i >= channels ? above[i - channels]! : 0;
      line[i] = rows[start + 1 + i]! + predict(filter, left, up, corner);
    }
    if (channels === 4) rgba.set(line, y * width * 4);
    else {
      for (let x = 0; x < width; x++) {
        for (let c = 0; c < 3; c++) rgba[(y * width + x) * 4 + c] = line[x * 3 + c]!;
      }
    }
    [above, line] = [line, above];
  }
  return rgba;
}

function predict(filter: number, left: number, up: number, corner: number): number {
  if (filter === 0) return 0;
  if (filter === 1) return left;
  if (filter === 2) return up;
  if (filter === 3) return (left + up) >> 1;
  const estimate = left + up - corner;
  const toLeft = Math.abs(estimate - left);
  const toUp = Math.abs(estimate - up);
  const toCorner = Math.abs(estimate - corner);
  if (toLeft <= toUp && toLeft <= toCorner) return left;
  return toUp <= toCorner ? up : corner;
}
