import type { BodyHashes, HashRequest } from "./body-hashes.ts";

/** What a hashing thread is told. Bytes stand in shared memory: a slot belongs to the thread until it answers. */
export type HashOrder =
  | { readonly kind: "begin"; readonly id: number; readonly request: HashRequest; readonly memory: SharedArrayBuffer }
  | { readonly kind: "update"; readonly id: number; readonly offset: number; readonly length: number }
  | { readonly kind: "end"; readonly id: number }
  | { readonly kind: "drop"; readonly id: number };

/** What it answers: that a slot is free again, or the hashes. */
export type HashAnswer =
  | { readonly kind: "taken"; readonly id: number }
  | { readonly kind: "hashes"; readonly id: number; readonly hashes: BodyHashes };
