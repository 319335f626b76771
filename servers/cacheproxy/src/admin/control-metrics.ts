import type { Metrics } from "@kagami/kit";
import type { Agreement } from "../control/agreement.ts";
import type { ControlPlane } from "../control/control-plane.ts";
import type { DesiredSource } from "../control/desired-source.ts";
import type { Prober } from "../control/prober.ts";
import { CLUSTER_LIMITS } from "../engine/cluster-limits.ts";
import { serversByAddress } from "../engine/cluster-state.ts";

interface Parts {
  readonly plane: ControlPlane;
  readonly agreement: Agreement;
  readonly source: DesiredSource;
  readonly prober: Prober;
}

/** Publishes what is agreed, and how sure this proxy is of it. */
export function publishControlMetrics(metrics: Metrics, { plane, agreement, source, prober }: Parts): void {
  const gauge = (name: string, help: string, labels: readonly string[] = []) =>
    metrics.gauge(`kagami_cacheproxy_${name}`, help, labels, 2 * CLUSTER_LIMITS.servers);
  const epoch = gauge("epoch", "Epoch of the cluster state in use");
  const isLeader = gauge("is_leader", "1 if this proxy decides for all");
  const members = gauge("members", "Living proxies as the leader sees them; 0 on the others");
  const isCutOff = gauge("agreement_lost", "1 while this proxy is cut off from where proxies agree");
  const isRefused = gauge("config_refused", "1 while what is configured is wrong and the one before stays in use");
  const isUp = gauge("probe_up", "1 if this proxy's probes say the server is up", ["server"]);
  const isEjected = gauge("ejected", "1 while a server is out of use, by stage", ["server", "stage"]);
  const slots = gauge("move_slots", "Slots of a pool that moves: done and moving", ["pool", "what"]);
  let told: (() => void)[] = [];
  metrics.onCollect(() => {
    for (const forget of told) forget();
    told = [];
    epoch.set(plane.current.epoch);
    isLeader.set(agreement.isLeader ? 1 : 0);
    members.set(agreement.isLeader ? agreement.others.length + 1 : 0);
    isCutOff.set(agreement.trouble === undefined ? 0 : 1);
    isRefused.set(source.problem === undefined ? 0 : 1);
    for (const server of serversByAddress(plane.current).keys()) {
      isUp.set(prober.view(server)?.vote === "up" ? 1 : 0, { server });
      told.push(() => isUp.remove({ server }));
    }
    for (const { address: server, stage } of plane.state.ejected) {
      isEjected.set(1, { server, stage });
      told.push(() => isEjected.remove({ server, stage }));
    }
    for (const { pool, doneBelow, movingBelow } of plane.current.moves) {
      slots.set(doneBelow, { pool, what: "done" });
      slots.set(movingBelow - doneBelow, { pool, what: "moving" });
      for (const what of ["done", "moving"]) told.push(() => slots.remove({ pool, what }));
    }
  });
}
