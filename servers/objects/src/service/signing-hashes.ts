import { createHash, createHmac, hash } from "node:crypto";
import type { SigningHashes } from "../protocol/sigv4/index.ts";

/** The platform's hashes for signatures. */
export const signingHashes: SigningHashes = {
  sha256Hex: (text) => hash("sha256", Buffer.from(text, "latin1"), "hex"),
  hmac: (key, text) => createHmac("sha256", key).update(text, "latin1").digest(),
  hmacHex: (key, text) => createHmac("sha256", key).update(text, "latin1").digest("hex"),
  startSha256: () => {
    const running = createHash("sha256");
    return {
      update: (bytes) => {
        running.update(bytes);
      },
      digestHex: () => running.digest("hex"),
    };
  },
};
