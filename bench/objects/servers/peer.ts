import type { S3Credentials } from "@kagami/testkit";

/** A server that speaks S3, seen from its clients. */
export interface S3Peer {
  /** In figures. */
  readonly name: string;
  /** Such as `http://127.0.0.1:9000`. */
  readonly endpoint: string;
  readonly credentials: S3Credentials;
}

/** A server that we started: its processes can be measured. */
export interface LocalPeer extends S3Peer {
  /** Processes whose CPU time counts; more than one where several make up the server. */
  readonly pids: readonly number[];
  /** As the program tells it. */
  readonly version: string;
  stop(): Promise<void>;
}
