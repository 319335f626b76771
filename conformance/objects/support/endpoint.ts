import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type S3Credentials, startKagami } from "@kagami/testkit";

/** The server that is judged. */
export interface Endpoint {
  /** Such as `http://127.0.0.1:9000`. */
  readonly url: string;
  /** Host and port, as in the `host` header. */
  readonly host: string;
  readonly credentials: Required<S3Credentials>;
  /** Host and port of ours' admin API; empty for a foreign server. */
  readonly admin: string;
  close(): Promise<void>;
}

const CREDENTIALS = {
  accessKey: "KAGAMITESTACCESSKEY1",
  secretKey: "kagami/test+secret/key-0123456789abcdefg",
  region: "us-east-1",
};

/**
 * Ours on a free port; or, for comparing, the server that `KAGAMI_S3_ENDPOINT`, `KAGAMI_S3_ACCESS_KEY` and
 * `KAGAMI_S3_SECRET_KEY` name.
 */
export async function openEndpoint(args: readonly string[] = []): Promise<Endpoint> {
  const { KAGAMI_S3_ENDPOINT: url, KAGAMI_S3_ACCESS_KEY: accessKey, KAGAMI_S3_SECRET_KEY: secretKey } = process.env;
  if (url !== undefined) {
    if (accessKey === undefined || secretKey === undefined)
      throw new Error("KAGAMI_S3_ENDPOINT needs KAGAMI_S3_ACCESS_KEY and KAGAMI_S3_SECRET_KEY beside it");
    const credentials = { accessKey, secretKey, region: process.env.KAGAMI_S3_REGION ?? "us-east-1" };
    return { url, host: new URL(url).host, credentials, admin: "", close: async () => undefined };
  }
  const data = await mkdtemp(join(tmpdir(), "kagami-conformance-"));
  const server = await startKagami({
    part: "objects",
    args: [
      "--listen",
      "127.0.0.1:0",
      "--admin",
      "127.0.0.1:0",
      "--log",
      "error",
      "--data",
      data,
      "--domains",
      "localhost",
      ...args,
    ],
    env: { KAGAMI_OBJECTS_ACCESS_KEY: CREDENTIALS.accessKey, KAGAMI_OBJECTS_SECRET_KEY: CREDENTIALS.secretKey },
  });
  const { admin = "", ...served } = server.addresses;
  const host = Object.values(served)[0] ?? "";
  return {
    url: `http://${host}`,
    host,
    credentials: CREDENTIALS,
    admin,
    close: async () => {
      await server.end("SIGTERM");
      await rm(data, { recursive: true, force: true });
    },
  };
}
