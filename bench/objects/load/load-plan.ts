import type { S3Credentials } from "@kagami/testkit";
import type { S3Peer } from "../servers/peer.ts";
import type { SparseHistogram } from "./histogram.ts";
import type { MixEntry } from "./mix.ts";

/** What a load process is to do: plain data, sent to it once. */
export interface LoadPlan {
  /** Such as `http://127.0.0.1:9000`; path style is used. */
  readonly endpoint: string;
  readonly bucket: string;
  readonly credentials: S3Credentials;
  /** `presigned` puts the signature into the URL, made once for each key and kept; `header` signs each request. */
  readonly signing: "header" | "presigned";
  readonly loop: "open" | "closed";
  readonly entries: readonly MixEntry[];
  readonly connections: number;
  /** Objects of each size that `prepare` stores and reads ask for. */
  readonly keyCount: number;
  /** As `parseKeyChooser` reads it. */
  readonly keys: string;
  /** Open loop: `even` leaves the same time between two requests of a kind, `poisson` is as many strangers would do. */
  readonly arrivals: "even" | "poisson";
  /** Requests in this time are sent but not counted. */
  readonly warmUpMs: number;
  readonly durationMs: number;
  readonly seed: number;
  /** Whether the objects are stored first. */
  readonly prepares: boolean;
  /** The first of them: those before it are there from an earlier run. */
  readonly prepareFrom: number;
}

/** One second of one kind of request. */
export interface LoadSecond {
  readonly second: number;
  readonly count: number;
  readonly errorCount: number;
  readonly p50Us: number;
  readonly p99Us: number;
}

/** What became of one kind of request, the warm-up left out. */
export interface EntryReport {
  readonly name: string;
  /** What was asked for in the open loop; 0 in the closed one. */
  readonly wantedPerSecond: number;
  readonly count: number;
  /** Bodies, sent or received, of requests that succeeded. */
  readonly bytes: number;
  /** By the code of the server's error or of the connection's; see `CountedErrors`. */
  readonly errors: Readonly<Record<string, number>>;
  /**
   * Of those that succeeded. In the open loop from the instant at which the request was due, so a server that stands
   * still is charged for all who would have come meanwhile; in the closed loop from its sending.
   */
  readonly latency: SparseHistogram;
  /** From the sending in either loop: the server's time alone, without the wait for a free connection. */
  readonly service: SparseHistogram;
  readonly seconds: readonly LoadSecond[];
}

export interface LoadReport {
  readonly entries: readonly EntryReport[];
  readonly measuredMs: number;
  /** CPU time of the load process itself: near the measured time, it was the limit and not the server. */
  readonly loadCpuMs: number;
  /** How late the latest request left the schedule though a connection was free: the generator's own fault. */
  readonly latestStartUs: number;
}

/** What a load process says. */
export type LoadMessage =
  | { readonly kind: "prepared"; readonly objects: number; readonly milliseconds: number }
  | { readonly kind: "report"; readonly report: LoadReport }
  | { readonly kind: "failed"; readonly message: string };

/** Requests of a load process that has just begun measure its own start: such as come in this time are not counted. */
export const WARM_UP_MS = 1_000;

/** A plan that stores so many objects of a size and measures nothing. */
export function storingPlan(peer: S3Peer, bucket: string, size: string, keyCount: number, prepareFrom = 0): LoadPlan {
  return {
    endpoint: peer.endpoint,
    credentials: peer.credentials,
    bucket,
    signing: "header",
    loop: "closed",
    entries: [{ operation: "get", size, perSecond: 0, weight: 1 }],
    connections: 64,
    keyCount,
    keys: "uniform",
    arrivals: "even",
    warmUpMs: 0,
    durationMs: 1,
    seed: 1,
    prepares: true,
    prepareFrom,
  };
}
