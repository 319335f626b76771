import type { ParsedObservation, ParsedOptions } from "./parsed-viewer.ts";
import type { PublisherCounters } from "./publisher.ts";
import type { Recovery } from "./recovery-watch.ts";
import type { GroupOptions, GroupReport } from "./viewer-group.ts";

interface InGroup {
  readonly group: string;
}

/** What a load process can be told to do. */
export interface LoadMethods {
  /** Begins to publish; resolves when the server has accepted it. */
  publish(params: { id: string; port: number; key: string; mediaPath: string; fps: number }): Promise<void>;
  published(params: { id: string }): Promise<PublisherCounters>;
  unpublish(params: { id: string; isKilled: boolean }): Promise<void>;
  /** Adds viewers to a group, which the first call makes. */
  open(params: InGroup & GroupOptions & { count: number }): Promise<void>;
  /** Begins a window of measurement. */
  reset(params: InGroup): Promise<void>;
  report(params: InGroup): Promise<GroupReport>;
  stall(params: InGroup): Promise<void>;
  resume(params: InGroup): Promise<void>;
  recoveries(params: InGroup): Promise<Recovery[]>;
  close(params: InGroup): Promise<void>;
  /** Opens viewers that read every message; for few of them. */
  parse(params: InGroup & ParsedOptions & { count: number }): Promise<void>;
  observations(params: InGroup): Promise<ParsedObservation[]>;
}

export interface LoadRequest {
  readonly id: number;
  readonly method: keyof LoadMethods;
  readonly params: unknown;
}

export type LoadReply =
  | { readonly id: number; readonly result: unknown; readonly error?: undefined }
  | { readonly id: number; readonly error: string };
