import type { BodyDigest, BodyWriter } from "../../store/object-store.ts";
import type { BodyHashes, HashRequest } from "../hashing/body-hashes.ts";
import type { HashThreads } from "../hashing/hash-threads.ts";

/** A body that is hashed while it is written. */
export interface HashedWrite<Result> {
  /** Takes the bytes (they may be reused after it resolves). */
  take(bytes: Uint8Array): Promise<void>;
  /** Of all that was taken; nothing may be taken behind it. */
  digest(): Promise<BodyHashes>;
  commit(digest: BodyDigest): Promise<Result>;
}

/**
 * Writes a body piece by piece while a thread hashes it. Whatever fails, also beginning to write, nothing of it stays
 * behind, neither in the store nor in the threads.
 *
 * @param open Begins writing.
 * @param work Takes the body in, and commits it.
 */
export async function hashWhileWriting<Result, Outcome>(
  hashThreads: HashThreads,
  request: HashRequest,
  open: () => BodyWriter<Result>,
  work: (body: HashedWrite<Result>) => Promise<Outcome>,
): Promise<Outcome> {
  const hasher = await hashThreads.open(request);
  let writer: BodyWriter<Result> | undefined;
  try {
    const opened = open();
    writer = opened;
    const take = async (bytes: Uint8Array): Promise<void> => {
      const hashing = hasher.update(bytes);
      await opened.write(bytes);
      if (hashing) await hashing;
    };
    return await work({ take, digest: () => hasher.digest(), commit: (digest) => opened.commit(digest) });
  } catch (error) {
    hasher.drop();
    await writer?.abort();
    throw error;
  }
}
