import { type DerivingSelector, type HashNode, type Selector, selectorFactories } from "@kagami/hashing";
import type { ScenarioContext } from "../src/scenario.ts";

/** Name of an algorithm, as in `selectorFactories`. */
export type PeerName = keyof typeof selectorFactories;

/** The algorithms asked for. */
export function chosenPeers({ settings }: ScenarioContext): PeerName[] {
  const names = Object.keys(selectorFactories) as PeerName[];
  const { only } = settings;
  return only ? names.filter((name) => only.some((part) => name.includes(part))) : names;
}

/** Nodes of one of several fleets, told apart by `fleet`: what depends on the luck of names is averaged over them. */
export function nodesOf(count: number, fleet: number): HashNode[] {
  return Array.from({ length: count }, (_, i) => ({ name: `cache-${fleet}-${String(i).padStart(4, "0")}`, weight: 1 }));
}

/** Keys side by side in one array, so that going through them costs little beside what is measured. */
export interface KeySet {
  readonly bytes: Uint8Array;
  /** One longer than there are keys: each ends where the next begins. */
  readonly starts: Int32Array;
}

/** Keys as services make them, 9 to 40 bytes and 23 on average; always the same. */
export function makeKeys(count: number): KeySet {
  const shapes = [
    (i: number) => `user:${i * 7919}`,
    (i: number) => `session:${(i * 2654435761) % 4294967296}:${i}`,
    (i: number) => `catalogue/item/${i}/price`,
    (i: number) => `viewers.eu-${i}.count`,
  ];
  const texts = Array.from({ length: count }, (_, i) => shapes[i % shapes.length]?.(i) ?? "");
  const starts = new Int32Array(count + 1);
  for (const [i, text] of texts.entries()) starts[i + 1] = (starts[i] as number) + text.length;
  return { bytes: new TextEncoder().encode(texts.join("")), starts };
}

/** Position of the node of every key. */
export function ownersOf(selector: Selector, { bytes, starts }: KeySet): Uint16Array {
  const owners = new Uint16Array(starts.length - 1);
  for (let i = 0; i < owners.length; i++) {
    owners[i] = selector.select(bytes, starts[i] as number, starts[i + 1] as number);
  }
  return owners;
}

/** The selector of the changed fleet, derived where the algorithm can. */
export function changed(peer: PeerName, before: Selector, after: readonly HashNode[]): Selector {
  return "derive" in before ? (before as DerivingSelector).derive(after) : selectorFactories[peer](after);
}

/** A Markdown table: one row for each peer, cells by column. */
export function peerTable(
  columns: readonly string[],
  rows: readonly { readonly peer: string; readonly cells: readonly string[] }[],
): string {
  const line = (cells: readonly string[]) => `| ${cells.join(" | ")} |`;
  const rule = columns.map((_, i) => (i === 0 ? "---" : "---:"));
  return `${[columns, rule, ...rows.map(({ peer, cells }) => [peer, ...cells])].map(line).join("\n")}\n`;
}

/** Lets timers and signals have their turn between long computations. */
export function breathe(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
