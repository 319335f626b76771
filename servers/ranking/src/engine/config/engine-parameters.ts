import { bytesOfText } from "../acl/index.ts";
import type { Engine } from "../engine.ts";
import { evictionLimitUs } from "../eviction.ts";
import { EVICTION_POLICIES } from "./parameters.ts";
import { notifyBits } from "./special-parameters.ts";

/** Registers who puts the parameters into force that the engine itself obeys. The shell registers its own beside. */
export function applyEngineParameters(engine: Engine): void {
  const { config, store, users } = engine;
  const { eviction } = engine.memoryLimit;
  const watch = (name: string, apply: (value: string) => void): void => {
    config.onChange(name, (value) => {
      apply(value);
      return undefined;
    });
  };
  watch("maxmemory", (value) => {
    engine.maxMemoryBytes = Number(value);
  });
  watch("maxmemory-policy", (value) => {
    eviction.policy = EVICTION_POLICIES.find((policy) => policy === value) ?? "noeviction";
    eviction.forgetCandidates();
    store.access.isLfu = value.endsWith("-lfu");
  });
  watch("maxmemory-samples", (value) => {
    eviction.sampleCount = Number(value);
  });
  watch("maxmemory-eviction-tenacity", (value) => {
    eviction.limitUs = evictionLimitUs(Number(value));
  });
  watch("lfu-log-factor", (value) => {
    store.access.logFactor = Number(value);
  });
  watch("lfu-decay-time", (value) => {
    store.access.decayMinutes = Number(value);
  });
  watch("notify-keyspace-events", (value) => {
    engine.notifiedClasses = notifyBits(value) ?? 0;
  });
  watch("acl-pubsub-default", (value) => {
    users.allowsChannelsByDefault = value === "allchannels";
  });
  watch("requirepass", (value) => users.setDefaultPassword(bytesOfText(value)));
}
