import { encodeS3Path, S3Signer } from "@kagami/testkit";
import { startObjects } from "./kagami.ts";
import { type FilesPeer, startNginxFiles } from "./nginx.ts";
import type { LocalPeer } from "./peer.ts";
import { askWell, createBucket } from "./requests.ts";
import { hasRgw, startRgw } from "./rgw.ts";
import { startS3rver } from "./s3rver.ts";

/** Ours and those it is compared with. */
export interface Peers {
  readonly kagami: LocalPeer;
  readonly s3rver: LocalPeer;
  readonly nginx: FilesPeer;
  /** `undefined` where it is not installed or not wanted. */
  readonly rgw: LocalPeer | undefined;
  readonly notes: readonly string[];
}

/** Starts them all, gives them to `use`, and ends them whatever happens. */
export async function withPeers<T>(wantsRgw: boolean, use: (peers: Peers) => Promise<T>): Promise<T> {
  const started: LocalPeer[] = [];
  const keep = async <Peer extends LocalPeer>(starting: Promise<Peer>): Promise<Peer> => {
    const peer = await starting;
    started.push(peer);
    return peer;
  };
  try {
    const kagami = await keep(startObjects({}));
    const s3rver = await keep(startS3rver());
    const nginx = await keep(startNginxFiles());
    const isThere = wantsRgw && hasRgw();
    const rgw = isThere ? await keep(startRgw()) : undefined;
    const versions = started.map(({ version }) => version).join(", ");
    const missing =
      wantsRgw && !isThere ? ["Ceph RGW is not installed (apt-get install radosgw ceph-mon ceph-osd ceph-mgr)"] : [];
    return await use({ kagami, s3rver, nginx, rgw, notes: [versions, ...missing] });
  } finally {
    for (const peer of started.toReversed()) await peer.stop();
  }
}

const AT_ONCE = 16;

/** Stores the same bytes under every key of a bucket, which is made. */
export async function storeAll(
  peer: LocalPeer | FilesPeer,
  bucket: string,
  keys: readonly string[],
  bytes: Uint8Array,
): Promise<void> {
  if ("store" in peer) {
    for (const key of keys) await peer.store(bucket, key, bytes);
    return;
  }
  await createBucket(peer, bucket);
  let next = 0;
  const work = Array.from({ length: AT_ONCE }, async () => {
    for (let key = keys[next++]; key !== undefined; key = keys[next++])
      await askWell(peer, { method: "PUT", bucket, key, body: bytes });
  });
  await Promise.all(work);
}

/** Path and query of a presigned URL for every key. */
export function presignedPaths(
  peer: LocalPeer,
  method: "GET" | "PUT",
  bucket: string,
  keys: readonly string[],
): string[] {
  const signer = new S3Signer(peer.credentials);
  const headers = { host: new URL(peer.endpoint).host };
  return keys.map((key) => signer.presign({ method, path: encodeS3Path(bucket, key), headers }, Date.now()));
}
