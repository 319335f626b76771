import type { Metrics } from "@kagami/kit";
import type { ReplicaFollowStatus } from "./replica.ts";
import type { ReplicaSource } from "./replica-source.ts";

const REPLICA_LABELS = 101;

/** Of a store: how far each registered replica is. */
export function registerSourceMetrics(
  metrics: Metrics,
  source: Pick<ReplicaSource, "statuses" | "strangerCount">,
): void {
  const prefix = "kagami_objects_replica";
  const strangers = metrics.gauge(`${prefix}_strangers`, "Requests without the token of a replica, since the start");
  const gauge = (name: string, help: string) => metrics.gauge(`${prefix}_${name}`, help, ["replica"], REPLICA_LABELS);
  const connected = gauge("connected", "1 while the replica takes the change stream");
  const sequences = gauge("lag_changes", "Changes that the replica does not have");
  const seconds = gauge("lag_seconds", "For how long there have been changes that the replica does not have");
  const bytes = gauge("lag_bytes", "About how many bytes of records the replica does not have");
  const sent = gauge("sent_bytes", "Bytes sent to the replica since the start");
  let known = new Set<string>();
  metrics.onCollect(() => {
    const named = new Set<string>();
    strangers.set(source.strangerCount);
    for (const { name, isConnected, lag, sentBytes } of source.statuses()) {
      const labels = { replica: name };
      named.add(name);
      connected.set(isConnected ? 1 : 0, labels);
      sent.set(sentBytes, labels);
      // Nothing is known of one that has not come since the start.
      if (lag === null) continue;
      sequences.set(lag.sequences, labels);
      seconds.set(lag.seconds, labels);
      bytes.set(lag.bytes, labels);
    }
    for (const replica of known) {
      if (named.has(replica)) continue;
      for (const each of [connected, sequences, seconds, bytes, sent]) each.remove({ replica });
    }
    known = named;
  });
}

/** Of a replica: how it follows its source. */
export function registerFollowMetrics(metrics: Metrics, status: () => ReplicaFollowStatus): void {
  const gauge = (name: string, help: string) => metrics.gauge(`kagami_objects_follow_${name}`, help);
  const connected = gauge("connected", "1 while the change stream of the source comes");
  const whole = gauge("whole", "1 if there is a whole copy to read");
  const lag = gauge("lag_changes", "Changes that the source has told of and the copy does not have");
  const received = gauge("received_bytes", "Bytes received since the start");
  const connects = gauge("connects", "Connections to the source that were answered, since the start");
  const anew = gauge("from_nothing", "Copies begun anew since the start");
  metrics.onCollect(() => {
    const { isConnected, isWhole, lagSequences, receivedBytes, connectCount, fromNothingCount } = status();
    connected.set(isConnected ? 1 : 0);
    whole.set(isWhole ? 1 : 0);
    lag.set(lagSequences);
    received.set(receivedBytes);
    connects.set(connectCount);
    anew.set(fromNothingCount);
  });
}
