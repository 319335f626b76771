// A process of publishers and viewers, driven by its parent: see load-process.ts.
import type { LoadMethods, LoadReply, LoadRequest } from "./load-protocol.ts";
import { loadMedia, type Media } from "./media.ts";
import { ParsedViewer } from "./parsed-viewer.ts";
import { Publisher } from "./publisher.ts";
import { ViewerGroup } from "./viewer-group.ts";

const publishers = new Map<string, Publisher>();
const groups = new Map<string, ViewerGroup>();
const parsed = new Map<string, ParsedViewer[]>();
const media = new Map<string, Promise<Media>>();

const methods: LoadMethods = {
  async publish({ id, port, key, mediaPath, fps }) {
    const loading = media.get(mediaPath) ?? loadMedia(mediaPath, fps);
    media.set(mediaPath, loading);
    const publisher = new Publisher({ port, key, media: await loading });
    await publisher.start();
    publishers.set(id, publisher);
  },
  async published({ id }) {
    const publisher = publishers.get(id);
    if (!publisher) throw new Error(`There is no publisher "${id}"`);
    return publisher.counters;
  },
  async unpublish({ id, isKilled }) {
    const publisher = publishers.get(id);
    publishers.delete(id);
    if (isKilled) publisher?.kill();
    else publisher?.stop();
  },
  async open({ group, count, ...options }) {
    const viewers = groups.get(group) ?? new ViewerGroup(options);
    groups.set(group, viewers);
    await viewers.open(count);
  },
  async reset({ group }) {
    find(group).reset();
  },
  async report({ group }) {
    return find(group).report();
  },
  async stall({ group }) {
    find(group).stall();
  },
  async resume({ group }) {
    find(group).resume();
  },
  async recoveries({ group }) {
    return find(group).recoveries();
  },
  async close({ group }) {
    groups.get(group)?.close();
    groups.delete(group);
    for (const viewer of parsed.get(group) ?? []) viewer.close();
    parsed.delete(group);
  },
  async parse({ group, count, ...options }) {
    const viewers = Array.from({ length: count }, () => new ParsedViewer(options));
    parsed.set(group, viewers);
    await Promise.all(viewers.map((viewer) => viewer.opened()));
  },
  async observations({ group }) {
    return (parsed.get(group) ?? []).map((viewer) => viewer.observation());
  },
};

function find(group: string): ViewerGroup {
  const viewers = groups.get(group);
  if (!viewers) throw new Error(`There is no group "${group}" of viewers`);
  return viewers;
}

function answer(reply: LoadReply): void {
  process.send?.(reply);
}

process.on("message", ({ id, method, params }: LoadRequest) => {
  const run = methods[method] as (params: unknown) => Promise<unknown>;
  run(params).then(
    (result) => answer({ id, result }),
    (error: Error) => answer({ id, error: error.message }),
  );
});
process.on("disconnect", () => process.exit());
