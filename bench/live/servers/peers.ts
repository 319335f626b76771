import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { startNginxRtmp, startReference } from "@kagami/testkit";
import type { ServerUnderTest } from "./subject.ts";

/** nginx with Debian's RTMP module, one worker that is the only process. */
export async function startNginx(): Promise<ServerUnderTest> {
  // Its viewers here answer no pings, which would come after a minute.
  const nginx = await startNginxRtmp({ serverDirectives: "chunk_size 4096; ping 30m;" });
  return { name: "nginx", pid: nginx.pid, rtmpPort: nginx.port, httpPort: 0, stop: () => nginx.stop() };
}

const NMS_MAIN = join(
  dirname(createRequire(import.meta.url).resolve("node-media-server/package.json")),
  "bin",
  "app.js",
);

/** node-media-server from npm, run by the same Node as ours. */
export async function startNms(): Promise<ServerUnderTest> {
  const nms = await startReference({
    command: process.execPath,
    args: (_port, { dir }) => [NMS_MAIN, "--config", `${dir}/config.json`],
    ready: "tcp",
    extraPortCount: 1,
    files: ({ port, extraPorts, dir }) => ({
      "config.json": JSON.stringify({
        bind: "127.0.0.1",
        notify: { url: "" },
        store: { path: `${dir}/data` },
        auth: { play: false, publish: false, secret: "bench" },
        rtmp: { port },
        http: { port: extraPorts[0] },
        webadmin: { enable: false },
        record: { auto: false, path: `${dir}/record` },
      }),
    }),
  });
  return {
    name: "nms",
    pid: nms.pid,
    rtmpPort: nms.port,
    httpPort: nms.extraPorts[0] ?? 0,
    stop: () => nms.stop(),
  };
}
