import { REDIS_VERSION } from "../commands/auth.ts";
import type { Engine } from "../engine.ts";
import { memoryFigures } from "../memory-figures.ts";
import { humanBytes, type InfoFields, percentText, ratioText } from "./format.ts";

/** What the server is. `redis_version` is the one that clients may count on; ours stands beside. */
export function serverSection(engine: Engine): InfoFields {
  const state = engine.shell.state();
  const { nowMs, access } = engine.store;
  const uptimeSeconds = Math.max(0, Math.floor((nowMs - state.startedMs) / 1_000));
  return [
    ["redis_version", REDIS_VERSION],
    ["kagami_version", state.kagamiVersion],
    ["redis_git_sha1", "00000000"],
    ["redis_git_dirty", 0],
    ["redis_build_id", "0000000000000000"],
    ["redis_mode", "standalone"],
    ["os", state.system],
    ["arch_bits", 64],
    ["monotonic_clock", "POSIX clock_gettime"],
    ["multiplexing_api", "epoll"],
    ["atomicvar_api", "none"],
    ["process_id", state.processId],
    ["process_supervised", "no"],
    ["run_id", state.runId],
    ["tcp_port", state.tcpPort],
    ["server_time_usec", Math.floor(nowMs * 1_000)],
    ["uptime_in_seconds", uptimeSeconds],
    ["uptime_in_days", Math.floor(uptimeSeconds / 86_400)],
    ["hz", engine.config.get("hz")],
    ["configured_hz", engine.config.get("hz")],
    ["lru_clock", access.clock],
    ["executable", state.executable],
    ["config_file", state.configFile],
    ["io_threads_active", 0],
  ];
}

/** Who is connected. */
export function clientsSection(engine: Engine): InfoFields {
  let blockedCount = 0;
  let maxInputBytes = 0;
  let maxOutputBytes = 0;
  for (const { isBlocked, buffers } of engine.sessions.all()) {
    if (isBlocked) blockedCount++;
    maxInputBytes = Math.max(maxInputBytes, buffers?.inputBytes ?? 0);
    maxOutputBytes = Math.max(maxOutputBytes, buffers?.outputBytes ?? 0);
  }
  return [
    ["connected_clients", engine.sessions.count],
    ["cluster_connections", 0],
    ["maxclients", engine.config.get("maxclients")],
    ["client_recent_max_input_buffer", maxInputBytes],
    ["client_recent_max_output_buffer", maxOutputBytes],
    ["blocked_clients", blockedCount],
    ["tracking_clients", 0],
    ["clients_in_timeout_table", blockedCount],
  ];
}

/** What memory is used for. The allocator's figures are those of the store's own heap. */
export function memorySection(engine: Engine): InfoFields {
  const figures = memoryFigures(engine);
  const { usedBytes, peakBytes, residentBytes, liveBytes, pageBytes, reservedBytes } = figures;
  const maxBytes = engine.maxMemoryBytes;
  const { memoryBytes = 0, sourceBytes = 0, scriptCount = 0 } = engine.scripts?.engine ?? {};
  return [
    ["used_memory", usedBytes],
    ["used_memory_human", humanBytes(usedBytes)],
    ["used_memory_rss", residentBytes],
    ["used_memory_rss_human", humanBytes(residentBytes)],
    ["used_memory_peak", peakBytes],
    ["used_memory_peak_human", humanBytes(peakBytes)],
    ["used_memory_peak_perc", percentText(usedBytes, peakBytes)],
    ["used_memory_overhead", figures.overheadBytes],
    ["used_memory_startup", 0],
    ["used_memory_dataset", figures.datasetBytes],
    ["used_memory_dataset_perc", percentText(figures.datasetBytes, usedBytes)],
    ["allocator_allocated", liveBytes],
    ["allocator_active", pageBytes],
    ["allocator_resident", reservedBytes],
    ["total_system_memory", figures.systemBytes],
    ["total_system_memory_human", humanBytes(figures.systemBytes)],
    ["used_memory_lua", memoryBytes],
    ["used_memory_vm_eval", memoryBytes],
    ["used_memory_lua_human", humanBytes(memoryBytes)],
    ["used_memory_scripts_eval", sourceBytes],
    ["number_of_cached_scripts", scriptCount],
    ["number_of_functions", 0],
    ["number_of_libraries", 0],
    ["used_memory_vm_functions", 0],
    ["used_memory_vm_total", memoryBytes],
    ["used_memory_vm_total_human", humanBytes(memoryBytes)],
    ["used_memory_functions", 0],
    ["used_memory_scripts", sourceBytes],
    ["used_memory_scripts_human", humanBytes(sourceBytes)],
    ["maxmemory", maxBytes],
    ["maxmemory_human", humanBytes(maxBytes)],
    ["maxmemory_policy", engine.memoryLimit.eviction.policy],
    ["allocator_frag_ratio", ratioText(pageBytes, liveBytes)],
    ["allocator_frag_bytes", pageBytes - liveBytes],
    ["allocator_rss_ratio", ratioText(reservedBytes, pageBytes)],
    ["allocator_rss_bytes", reservedBytes - pageBytes],
    ["rss_overhead_ratio", ratioText(residentBytes, reservedBytes)],
    ["rss_overhead_bytes", residentBytes - reservedBytes],
    ["mem_fragmentation_ratio", ratioText(residentBytes, usedBytes)],
    ["mem_fragmentation_bytes", residentBytes - usedBytes],
    ["mem_not_counted_for_evict", 0],
    ["mem_replication_backlog", 0],
    ["mem_total_replication_buffers", 0],
    ["mem_clients_slaves", 0],
    ["mem_clients_normal", figures.clientBytes],
    ["mem_cluster_links", 0],
    ["mem_aof_buffer", figures.logPendingBytes],
    ["mem_allocator", "kagami"],
    ["mem_script_heap", figures.scriptHeapBytes],
    ["active_defrag_running", 0],
    ["lazyfree_pending_objects", engine.store.graveCount],
    ["lazyfreed_objects", 0],
  ];
}

/** A master without replicas. */
export function replicationSection(engine: Engine): InfoFields {
  return [
    ["role", "master"],
    ["connected_slaves", 0],
    ["master_failover_state", "no-failover"],
    ["master_replid", engine.shell.state().runId],
    ["master_replid2", "0".repeat(40)],
    ["master_repl_offset", 0],
    ["second_repl_offset", -1],
    ["repl_backlog_active", 0],
    ["repl_backlog_size", engine.config.get("repl-backlog-size")],
    ["repl_backlog_first_byte_offset", 0],
    ["repl_backlog_histlen", 0],
  ];
}

/** Processor time. There are no children: a worker that compacts counts itself. */
export function cpuSection(engine: Engine): InfoFields {
  const { cpuSystemSeconds, cpuUserSeconds } = engine.shell.state();
  return [
    ["used_cpu_sys", cpuSystemSeconds.toFixed(6)],
    ["used_cpu_user", cpuUserSeconds.toFixed(6)],
    ["used_cpu_sys_children", "0.000000"],
    ["used_cpu_user_children", "0.000000"],
    ["used_cpu_sys_main_thread", cpuSystemSeconds.toFixed(6)],
    ["used_cpu_user_main_thread", cpuUserSeconds.toFixed(6)],
  ];
}
