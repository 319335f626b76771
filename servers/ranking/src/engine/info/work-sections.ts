import type { Engine } from "../engine.ts";
import type { InfoFields } from "./format.ts";

/** How the files are doing. What Redis does in forked children, a worker does here. */
export function persistenceSection(engine: Engine): InfoFields {
  const files = engine.shell.state().persistence;
  const fields: [string, string | number][] = [
    ["loading", files.isLoading ? 1 : 0],
    ["async_loading", 0],
    ["current_cow_peak", 0],
    ["current_cow_size", 0],
    ["current_cow_size_age", 0],
    ["current_fork_perc", "0.00"],
    ["current_save_keys_processed", 0],
    ["current_save_keys_total", 0],
    ["rdb_changes_since_last_save", files.changesSinceSave],
    ["rdb_bgsave_in_progress", files.isSaving ? 1 : 0],
    ["rdb_last_save_time", Math.floor(files.lastSaveMs / 1_000)],
    ["rdb_last_bgsave_status", files.hasLastSaveFailed ? "err" : "ok"],
    ["rdb_last_bgsave_time_sec", files.lastSaveSeconds],
    ["rdb_current_bgsave_time_sec", files.currentSaveSeconds],
    ["rdb_saves", files.saveCount],
    ["rdb_last_cow_size", 0],
    ["rdb_last_load_keys_expired", files.loadExpiredKeyCount],
    ["rdb_last_load_keys_loaded", files.loadedKeyCount],
    ["aof_enabled", files.isLogEnabled ? 1 : 0],
    ["aof_rewrite_in_progress", files.isSaving ? 1 : 0],
    ["aof_rewrite_scheduled", 0],
    ["aof_last_rewrite_time_sec", files.lastSaveSeconds],
    ["aof_current_rewrite_time_sec", files.currentSaveSeconds],
    ["aof_last_bgrewrite_status", files.hasLastSaveFailed ? "err" : "ok"],
    ["aof_rewrites", files.saveCount],
    ["aof_rewrites_consecutive_failures", files.hasLastSaveFailed ? 1 : 0],
    ["aof_last_write_status", files.hasLastLogWriteFailed ? "err" : "ok"],
    ["aof_last_cow_size", 0],
    ["module_fork_in_progress", 0],
    ["module_fork_last_cow_size", 0],
  ];
  if (files.isLogEnabled) {
    fields.push(
      ["aof_current_size", files.logBytes],
      ["aof_base_size", files.logBaseBytes],
      ["aof_pending_rewrite", 0],
      ["aof_buffer_length", files.logPendingBytes],
      ["aof_pending_bio_fsync", 0],
      ["aof_delayed_fsync", files.delayedSyncCount],
    );
  }
  return fields;
}

/** What was done. */
export function statsSection(engine: Engine): InfoFields {
  const state = engine.shell.state();
  const { store, sessions } = engine;
  const { statistics } = engine.observer;
  const { pubsub } = engine;
  const exceededMs = statistics.exceededSinceMs === 0 ? 0 : store.nowMs - statistics.exceededSinceMs;
  return [
    ["total_connections_received", sessions.openedCount],
    ["total_commands_processed", engine.commandCount],
    ["instantaneous_ops_per_sec", Math.round(statistics.commandRate.perSecond)],
    ["total_net_input_bytes", state.netInputBytes],
    ["total_net_output_bytes", state.netOutputBytes],
    ["total_net_repl_input_bytes", 0],
    ["total_net_repl_output_bytes", 0],
    ["instantaneous_input_kbps", (statistics.inputRate.perSecond / 1_024).toFixed(2)],
    ["instantaneous_output_kbps", (statistics.outputRate.perSecond / 1_024).toFixed(2)],
    ["instantaneous_input_repl_kbps", "0.00"],
    ["instantaneous_output_repl_kbps", "0.00"],
    ["rejected_connections", sessions.rejectedCount],
    ["sync_full", 0],
    ["sync_partial_ok", 0],
    ["sync_partial_err", 0],
    ["expired_keys", store.expiredCount],
    ["expired_stale_perc", "0.00"],
    ["expired_time_cap_reached_count", 0],
    ["expire_cycle_cpu_milliseconds", 0],
    ["evicted_keys", statistics.evictedKeys],
    ["evicted_clients", 0],
    ["total_eviction_exceeded_time", Math.floor(statistics.evictionExceededMs)],
    ["current_eviction_exceeded_time", Math.floor(exceededMs)],
    ["keyspace_hits", store.hits],
    ["keyspace_misses", store.misses],
    ["pubsub_channels", pubsub.of("channel").size],
    ["pubsub_patterns", pubsub.of("pattern").size],
    ["pubsubshard_channels", pubsub.of("shard").size],
    ["latest_fork_usec", 0],
    ["total_forks", 0],
    ["migrate_cached_sockets", 0],
    ["slave_expires_tracked_keys", 0],
    ["active_defrag_hits", 0],
    ["active_defrag_misses", 0],
    ["active_defrag_key_hits", 0],
    ["active_defrag_key_misses", 0],
    ["total_active_defrag_time", 0],
    ["current_active_defrag_time", 0],
    ["tracking_total_keys", 0],
    ["tracking_total_items", 0],
    ["tracking_total_prefixes", 0],
    ["unexpected_error_replies", 0],
    ["total_error_replies", statistics.errorCount],
    ["dump_payload_sanitizations", 0],
    ["total_reads_processed", state.readCount],
    ["total_writes_processed", state.writeCount],
    ["io_threaded_reads_processed", 0],
    ["io_threaded_writes_processed", 0],
    ["reply_buffer_shrinks", 0],
    ["reply_buffer_expands", 0],
  ];
}
