const NAL_IDR = 5;
const NAL_FIRST_SLICE = 1;

/**
 * Whether a picture of H.264 with NAL lengths of four bytes is an IDR picture: the only kind at which nothing before it
 * is needed any more. What only begins with a recovery point is none.
 */
export function hasIdrSlice(data: Uint8Array): boolean {
  for (let offset = 0; offset + 5 <= data.length; ) {
    const type = (data[offset + 4] as number) & 0x1f;
    if (type === NAL_IDR) return true;
    // All slices of a picture are of one kind.
    if (type === NAL_FIRST_SLICE) return false;
    const high = (data[offset] as number) * 2 ** 24;
    offset +=
      4 +
      high +
      ((data[offset + 1] as number) << 16) +
      ((data[offset + 2] as number) << 8) +
      (data[offset + 3] as number);
  }
  return false;
}
