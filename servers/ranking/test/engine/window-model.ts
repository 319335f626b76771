/** Events kept one by one, as slow and as plain as can be: what windows must equal. */
export interface ModelEvent {
  readonly atMs: number;
  readonly count: number;
  readonly member: string | undefined;
}

/** Buckets `(now's bucket - buckets, now's bucket]` of a step. */
export interface Span {
  readonly stepMs: number;
  readonly buckets: number;
  readonly nowMs: number;
  readonly offsetMs: number;
}

/** Events inside of a span. */
export function within(events: readonly ModelEvent[], { stepMs, buckets, nowMs, offsetMs }: Span): ModelEvent[] {
  const last = Math.floor((nowMs + offsetMs) / stepMs);
  return events.filter(({ atMs }) => {
    const bucket = Math.floor((atMs + offsetMs) / stepMs);
    return bucket > last - buckets && bucket <= last;
  });
}

export function eventSum(events: readonly ModelEvent[]): number {
  return events.reduce((sum, { count }) => sum + count, 0);
}

export function memberCount(events: readonly ModelEvent[]): number {
  return new Set(events.flatMap(({ member }) => (member === undefined ? [] : [member]))).size;
}
