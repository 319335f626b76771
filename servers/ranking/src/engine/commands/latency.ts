import type { Call } from "../call.ts";
import type { Command, Handler } from "../command.ts";
import type { LatencyEvent } from "../latency-monitor.ts";
import { type HelpRow, writeHelp } from "./help.ts";

const HELP: readonly HelpRow[] = [
  ["DOCTOR", "Tells what was slow, and what may help."],
  ["GRAPH <event>", "Draws the delays of one kind."],
  ["HISTORY <event>", "Lists the delays of one kind."],
  ["LATEST", "Shows the latest delay of each kind."],
  ["RESET [<event> ...]", "Forgets the delays of some kinds, or of all."],
  ["HISTOGRAM [<command> ...]", "Tells how long calls of commands took: how many took up to so many µs."],
];

const GRAPH_COLUMNS = 80;
const GRAPH_ROWS = 4;

function latest({ engine, reply }: Call): void {
  const { events } = engine.observer.latency;
  reply.array(events.size);
  for (const [name, event] of events) {
    const last = event.samples.at(-1);
    reply.array(4);
    reply.bulkText(name);
    reply.integer(last?.timeSeconds ?? 0);
    reply.integer(last?.durationMs ?? 0);
    reply.integer(event.maxMs);
  }
}

function history({ args, engine, reply }: Call): void {
  const samples = engine.observer.latency.events.get(args.text(2))?.samples ?? [];
  reply.array(samples.length);
  for (const { timeSeconds, durationMs } of samples) {
    reply.array(2);
    reply.integer(timeSeconds);
    reply.integer(durationMs);
  }
}

function reset({ args, engine, reply }: Call): void {
  const names = Array.from({ length: args.count - 2 }, (_, i) => args.text(2 + i));
  reply.integer(engine.observer.latency.reset(names));
}

function histogram(call: Call): void {
  const { args, reply, engine } = call;
  let commands: Command[] = [];
  if (args.count === 2) commands = engine.commands.all;
  for (let i = 2; i < args.count; i++) {
    const command = engine.commands.get(args.text(i).toLowerCase());
    if (command !== undefined) commands.push(command, ...command.subcommands.values());
  }
  const measured = commands.filter(({ latency }) => latency.total > 0);
  reply.map(measured.length);
  for (const { name, latency } of measured) {
    const steps = latency.cumulative();
    reply.bulkText(name);
    reply.map(2);
    reply.bulkText("calls");
    reply.integer(latency.total);
    reply.bulkText("histogram_usec");
    reply.map(steps.length);
    for (const { upToUs, count } of steps) {
      reply.integer(upToUs);
      reply.integer(count);
    }
  }
}

function graph({ args, engine, reply, nowMs }: Call): void {
  const name = args.text(2);
  const event = engine.observer.latency.events.get(name);
  if (event === undefined) reply.error(`ERR No samples available for event '${name}'`);
  else reply.verbatim(drawGraph(name, event, nowMs));
}

/** Bars of the latest samples, the oldest on the left, with a line that says how far back they go. */
function drawGraph(name: string, event: LatencyEvent, nowMs: number): string {
  const samples = event.samples.slice(-GRAPH_COLUMNS);
  const durations = samples.map(({ durationMs }) => durationMs);
  const most = Math.max(1, ...durations);
  const lowest = Math.min(...durations);
  let text = `${name} - high ${most} ms, low ${lowest} ms (all time high ${event.maxMs} ms)\n`;
  for (let row = GRAPH_ROWS; row > 0; row--) {
    text += durations.map((ms) => (Math.ceil((ms / most) * GRAPH_ROWS) >= row ? "#" : " ")).join("");
    text += "\n";
  }
  const oldest = samples[0]?.timeSeconds ?? 0;
  return `${text}from ${Math.max(0, Math.floor(nowMs / 1_000) - oldest)} s ago until now\n`;
}

const ADVICE: Readonly<Record<string, string>> = {
  command: "A command of more than constant cost took long: see SLOWLOG, and use smaller values or ranges.",
  "fast-command": "A fast command took long: the machine was busy, swapped, or JavaScript collected garbage.",
  "eviction-cycle": "Eviction took long: raise maxmemory, or let large values expire sooner.",
};

function doctor({ engine, reply, nowMs }: Call): void {
  const { latency } = engine.observer;
  if (latency.thresholdMs === 0) {
    reply.verbatim(
      "Nothing is measured: latency monitoring is off. CONFIG SET latency-monitor-threshold <milliseconds> turns it on.\n",
    );
    return;
  }
  if (latency.events.size === 0) {
    reply.verbatim(`No delay of ${latency.thresholdMs} ms or more was seen.\n`);
    return;
  }
  let text = "";
  for (const [name, { samples, maxMs }] of latency.events) {
    const mean = samples.reduce((sum, { durationMs }) => sum + durationMs, 0) / samples.length;
    const ago = Math.floor(nowMs / 1_000) - (samples.at(-1)?.timeSeconds ?? 0);
    text += `${name}: ${samples.length} delays, ${mean.toFixed(0)} ms on average, ${maxMs} ms at most, the last ${ago} s ago. `;
    text += `${ADVICE[name] ?? "See LATENCY HISTORY for when it was."}\n`;
  }
  reply.verbatim(text);
}

/** LATENCY and its subcommands. */
export const LATENCY_HANDLERS: Readonly<Record<string, Handler>> = {
  "latency|doctor": doctor,
  "latency|graph": graph,
  "latency|help": ({ reply }) => writeHelp(reply, "LATENCY", HELP),
  "latency|histogram": histogram,
  "latency|history": history,
  "latency|latest": latest,
  "latency|reset": reset,
};
