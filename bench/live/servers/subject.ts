import type { ViewerKind } from "../load/viewer.ts";

/** A server that runs for a comparison, in a process of its own. */
export interface ServerUnderTest {
  readonly name: string;
  /** The process that does the work. */
  readonly pid: number;
  readonly rtmpPort: number;
  /** 0 if it speaks no HTTP. */
  readonly httpPort: number;
  stop(): Promise<void>;
}

/** A server as seen by viewers of one protocol. */
export interface Subject {
  /** Such as `kagami-ws`, `nginx-rtmp`. */
  readonly name: string;
  readonly server: ServerUnderTest;
  readonly kind: ViewerKind;
}

/** The port that a subject's viewers connect to. */
export function viewerPort({ server, kind }: Subject): number {
  return kind === "rtmp" ? server.rtmpPort : server.httpPort;
}
