import type { DesiredCluster } from "../engine/cluster-desired.ts";

/** Where what operators want comes from. */
export interface DesiredSource {
  /** The last that was usable; `undefined` until there is one. */
  readonly desired: DesiredCluster | undefined;
  /** Why what is written now is not taken; the one before stays in use. */
  readonly problem: string | undefined;
  /** Addresses that the source knows to be out of order, such as those Consul calls critical. */
  readonly critical: ReadonlySet<string>;
  onChange(listener: () => void): void;
  /** Reads it again now. @throws Error with what is wrong */
  reload(): Promise<void>;
  close(): void;
}

/** What does not change while the process runs, such as `--servers`. */
export function fixedSource(desired: DesiredCluster): DesiredSource {
  return {
    desired,
    problem: undefined,
    critical: new Set(),
    onChange: () => undefined,
    reload: () => Promise.resolve(),
    close: () => undefined,
  };
}
