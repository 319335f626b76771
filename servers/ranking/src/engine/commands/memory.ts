import type { Call } from "../call.ts";
import { memoryOfSession } from "../client-info.ts";
import type { Handler } from "../command.ts";
import { usedBytesOf } from "../key-record.ts";
import { memoryFigures } from "../memory-figures.ts";
import { SYNTAX_ERROR } from "../replies.ts";
import { type HelpRow, writeHelp } from "./help.ts";

const HELP: readonly HelpRow[] = [
  ["DOCTOR", "Tells what about memory is not as it should be."],
  ["MALLOC-STATS", "Shows the heap: segments, pages, blocks."],
  ["PURGE", "Gives back to the system what is not used."],
  ["STATS", "Shows what memory is used for."],
  [
    "USAGE <key> [SAMPLES <count>]",
    "Tells the bytes of a key and its value. SAMPLES changes nothing: sizes are known.",
  ],
];

function usage(call: Call): void {
  const { args, reply, db, store } = call;
  for (let i = 3; i < args.count; i += 2) {
    if (!args.isWord(i, "SAMPLES") || i + 1 >= args.count) {
      reply.error(SYNTAX_ERROR);
      return;
    }
    const samples = call.integer(i + 1);
    if (Number.isNaN(samples)) return;
    if (samples < 0) {
      reply.error(SYNTAX_ERROR);
      return;
    }
  }
  const record = db.peek(args.bytes, args.starts[2]!, args.ends[2]!);
  if (record === 0) reply.nil();
  else reply.integer(usedBytesOf(store.heap, store.objects, record));
}

function stats({ reply, engine }: Call): void {
  const figures = memoryFigures(engine);
  const { keyspaces } = engine.store;
  const used = keyspaces.filter(({ size }) => size > 0);
  let clientBytes = 0;
  for (const session of engine.sessions.all()) clientBytes += memoryOfSession(session);
  const keyCount = used.reduce((sum, { size }) => sum + size, 0);
  const ratio = (value: number) => ({ ratio: value });
  const fields: [string, number | { ratio: number }][] = [
    ["peak.allocated", figures.peakBytes],
    ["total.allocated", figures.usedBytes],
    ["startup.allocated", 0],
    ["replication.backlog", 0],
    ["clients.slaves", 0],
    ["clients.normal", clientBytes],
    ["cluster.links", 0],
    ["aof.buffer", figures.logPendingBytes],
    ["lua.caches", 0],
    ["functions.caches", 0],
    ...used.map((keyspace): [string, number] => [`db.${keyspace.index}`, -1]),
    ["overhead.total", figures.overheadBytes],
    ["keys.count", keyCount],
    ["keys.bytes-per-key", keyCount === 0 ? 0 : Math.floor(figures.usedBytes / keyCount)],
    ["dataset.bytes", figures.datasetBytes],
    ["dataset.percentage", ratio(figures.usedBytes === 0 ? 0 : (100 * figures.datasetBytes) / figures.usedBytes)],
    ["peak.percentage", ratio(figures.peakBytes === 0 ? 0 : (100 * figures.usedBytes) / figures.peakBytes)],
    ["allocator.allocated", figures.liveBytes],
    ["allocator.active", figures.pageBytes],
    ["allocator.resident", figures.reservedBytes],
    ["allocator-fragmentation.ratio", ratio(figures.fragmentation)],
    ["allocator-fragmentation.bytes", figures.pageBytes - figures.liveBytes],
    ["allocator-rss.ratio", ratio(figures.pageBytes === 0 ? 1 : figures.reservedBytes / figures.pageBytes)],
    ["allocator-rss.bytes", figures.reservedBytes - figures.pageBytes],
    ["rss-overhead.ratio", ratio(figures.reservedBytes === 0 ? 1 : figures.residentBytes / figures.reservedBytes)],
    ["rss-overhead.bytes", figures.residentBytes - figures.reservedBytes],
    ["fragmentation", ratio(figures.usedBytes === 0 ? 1 : figures.residentBytes / figures.usedBytes)],
    ["fragmentation.bytes", figures.residentBytes - figures.usedBytes],
  ];
  reply.map(fields.length);
  for (const [name, value] of fields) {
    reply.bulkText(name);
    if (name.startsWith("db.")) {
      const keyspace = keyspaces[Number(name.slice(3))]!;
      // A slot of 8 bytes a key at three quarters full; 12 bytes for one that expires.
      const pairs: [string, number][] = [
        ["overhead.hashtable.main", 12 * keyspace.size],
        ["overhead.hashtable.expires", 12 * keyspace.expiringCount],
        ["overhead.hashtable.slot-to-keys", 0],
      ];
      reply.map(pairs.length);
      for (const [field, bytes] of pairs) {
        reply.bulkText(field);
        reply.integer(bytes);
      }
    } else if (typeof value === "number") reply.integer(value);
    else reply.double(value.ratio);
  }
}

const LITTLE_BYTES = 5 * 1_048_576;

function doctor({ reply, engine }: Call): void {
  const figures = memoryFigures(engine);
  const findings: string[] = [];
  if (figures.usedBytes < LITTLE_BYTES)
    findings.push("There is so little data that nothing can be said of its memory.");
  else {
    if (figures.peakBytes > 1.5 * figures.usedBytes) {
      findings.push(
        "Memory was much higher once than it is now: what was taken then may not all have been given back.",
      );
    }
    if (figures.fragmentation > 1.4) {
      findings.push(
        "Pages of the heap are far from full: values of many sizes were deleted. It mends as new ones come.",
      );
    }
    if (figures.residentBytes > 1.5 * (figures.reservedBytes + figures.scriptHeapBytes)) {
      findings.push("The process holds much more than the store and JavaScript use: try MEMORY PURGE.");
    }
  }
  reply.verbatim(findings.length === 0 ? "Nothing is wrong with memory.\n" : `${findings.join("\n")}\n`);
}

function mallocStats({ reply, store }: Call): void {
  const { reservedBytes, pageBytes, liveBytes } = store.heap.use;
  const lines = [
    `segments: ${reservedBytes} bytes`,
    `pages in use: ${pageBytes} bytes`,
    `blocks in use: ${liveBytes} bytes`,
    `outside of the heap: ${store.heap.outsideBytes} bytes`,
    `objects: ${store.objects.size}`,
    `buried values: ${store.graveCount}`,
  ];
  reply.verbatim(`${lines.join("\n")}\n`);
}

function purge({ reply, store, engine }: Call): void {
  store.heap.trim();
  engine.shell.purgeMemory();
  reply.ok();
}

/** MEMORY and its subcommands. */
export const MEMORY_HANDLERS: Readonly<Record<string, Handler>> = {
  "memory|doctor": doctor,
  "memory|help": ({ reply }) => writeHelp(reply, "MEMORY", HELP),
  "memory|malloc-stats": mallocStats,
  "memory|purge": purge,
  "memory|stats": stats,
  "memory|usage": usage,
};
