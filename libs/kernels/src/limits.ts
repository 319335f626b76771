/** Widest and tallest picture, in samples. */
export const MAX_SIDE = 4096;
/** Largest {@link ObscureStrength.cell}, in luma samples: sums over one and a half cells stay below 2^16. */
export const MAX_CELL = 170;
/** Largest {@link ObscureStrength.step}. */
export const MAX_STEP = 64;
/** Largest {@link ObscureStrength.radius}, in luma samples: sums over 127 samples stay below 2^15. */
export const MAX_RADIUS = 63;
/** Largest template, in samples: its sums of squares, multiplied by their count, are exact in a double. */
export const MAX_TEMPLATE_SAMPLES: number = 1 << 18;
/** Most samples along the side of a cell that is measured. */
export const MAX_CELL_SIZE = 64;
