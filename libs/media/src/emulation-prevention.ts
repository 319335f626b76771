/**
 * The RBSP of a NAL unit: the same bytes without each `03` that follows two zero bytes.
 *
 * @returns The input itself if there is nothing to remove, otherwise a copy.
 * @see H.264 §7.3.1; H.265 §7.3.1.1
 */
export function removeEmulationPrevention(nal: Uint8Array): Uint8Array {
  let first = -1;
  for (let i = 2; i < nal.length; i++) {
    if (nal[i] === 3 && nal[i - 1] === 0 && nal[i - 2] === 0) {
      first = i;
      break;
    }
  }
  if (first < 0) return nal;

  const out = new Uint8Array(nal.length - 1);
  out.set(nal.subarray(0, first));
  let size = first;
  let zeroCount = 0;
  for (let i = first + 1; i < nal.length; i++) {
    const byte = nal[i] as number;
    if (byte === 3 && zeroCount >= 2) {
      zeroCount = 0;
      continue;
    }
    zeroCount = byte === 0 ? zeroCount + 1 : 0;
    out[size++] = byte;
  }
  return out.subarray(0, size);
}

/**
 * The NAL unit of an RBSP: a `03` goes in wherever two zero bytes would be followed by a byte up to `03`, and after
 * two zero bytes at the end.
 *
 * @returns A copy.
 * @see H.264 §7.4.1; H.265 §7.4.2
 */
export function addEmulationPrevention(rbsp: Uint8Array): Uint8Array {
  const out = new Uint8Array(rbsp.length + Math.floor(rbsp.length / 2) + 1);
  let size = 0;
  let zeroCount = 0;
  for (const byte of rbsp) {
    if (zeroCount >= 2 && byte <= 3) {
      out[size++] = 3;
      zeroCount = 0;
    }
    out[size++] = byte;
    zeroCount = byte === 0 ? zeroCount + 1 : 0;
  }
  if (zeroCount >= 2) out[size++] = 3;
  return out.slice(0, size);
}
