import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { RtmpPeer, startTestServer, type TestServer, WsViewer } from "@kagami/live/testing";
import { eventually, withTempDir } from "@kagami/testkit";
import { type Decoded, decodeAll } from "./decoded.ts";

/** How a publisher is run: with the address to publish to; resolves when it has ended. */
export type Publish = (place: { readonly url: string; readonly port: number; readonly key: string }) => Promise<void>;

/** What every delivery of one broadcast gave. */
export interface Delivered {
  readonly server: TestServer;
  readonly rtmp: Decoded;
  readonly flv: Decoded;
  readonly hls: Decoded;
  /** A fragmented MP4 file. */
  readonly websocket: Uint8Array;
  /** What our own RTMP client was sent. */
  readonly rtmpMedia: RtmpPeer["media"];
  readonly recording: Uint8Array;
}

export interface BroadcastOptions {
  /** ffmpeg 5.1 cannot read Enhanced RTMP; it then gets no RTMP and no FLV. */
  readonly isEnhanced?: boolean;
}

/** Runs one broadcast with viewers on every delivery, from before its start or as early as they can, to its end. */
export async function broadcast(publish: Publish, options: BroadcastOptions = {}): Promise<Delivered> {
  return await withTempDir(async (dir) => {
    const server = await startTestServer(dir, { record: "all", graceMs: 100 });
    try {
      const key = await server.createChannel("game");
      const viewer = await WsViewer.open(`${server.ws}/live/game/ws`);
      const player = await RtmpPeer.open({ port: server.rtmpPort, name: "game", mode: "play" });
      const rtmpUrl = `rtmp://127.0.0.1:${server.rtmpPort}/live`;
      const nothing: Promise<Decoded> = Promise.resolve({ video: [], audio: [] });
      const rtmp = options.isEnhanced ? nothing : decodeAll(`${rtmpUrl}/game`);
      if (!options.isEnhanced) {
        // The other waits too: from here on nothing is missed.
        await eventually(async () => (await viewersOf(server)) === 3, {
          timeoutMs: 15_000,
          what: "Every viewer waits",
        });
      }
      const published = publish({ url: `${rtmpUrl}/${key}`, port: server.rtmpPort, key });
      await eventually(async () => (await server.ask("GET", "/api/channels/game")).json.video !== null, {
        timeoutMs: 15_000,
        what: "The publisher's first picture",
      });
      const flv = options.isEnhanced ? nothing : decodeAll(`${server.http}/live/game.flv`);
      const hls = decodeAll(`${server.http}/live/game/index.m3u8`, ["-live_start_index", "0"]);
      const results = await Promise.all([rtmp, flv, hls, published, viewer.closed()]);
      await eventually(() => server.events("recording.finished").length > 0);
      const folder = join(dir, "recordings", "game");
      const [name = ""] = await readdir(folder);
      return {
        server,
        rtmp: results[0],
        flv: results[1],
        hls: results[2],
        websocket: viewer.file,
        rtmpMedia: player.media,
        recording: new Uint8Array(await readFile(join(folder, name))),
      };
    } finally {
      await server.close();
    }
  });
}

async function viewersOf(server: TestServer): Promise<number> {
  return (await server.ask("GET", "/api/channels/game")).json.viewerCount;
}
