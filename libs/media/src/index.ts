import { toHex } from "@kagami/bytes";

export const y: string = toHex(new Uint8Array([1]));
