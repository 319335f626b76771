import { readFileSync } from "node:fs";
import { mkdir, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { eventually, startReference } from "@kagami/testkit";
import type { LocalPeer } from "./peer.ts";

/** nginx that serves files: the ceiling of a GET. */
export interface FilesPeer extends LocalPeer {
  /** Lays a file where the path of an object leads. */
  store(bucket: string, key: string, bytes: Uint8Array): Promise<void>;
}

/** One worker with `sendfile` and without a cache of open files, as it comes. */
export async function startNginxFiles(): Promise<FilesPeer> {
  const server = await startReference({
    command: "nginx",
    args: (_port, { dir }) => ["-p", dir, "-e", "stderr", "-c", `${dir}/nginx.conf`],
    ready: "tcp",
    files: ({ port, dir }) => ({ "nginx.conf": configOf(port, dir) }),
    version: { args: ["-v"], pattern: /nginx\/([\d.]+)/ },
  });
  // It listens before it has its worker.
  const pids = await eventually(() => childrenOf(server.pid), { what: "nginx's worker" });
  return {
    name: "nginx",
    endpoint: `http://127.0.0.1:${server.port}`,
    credentials: { accessKey: "none", secretKey: "none" },
    // The worker does the work.
    pids,
    version: `nginx ${server.version}`,
    store: async (bucket, key, bytes) => {
      const path = join(server.dir, "files", bucket, key);
      await mkdir(dirname(path), { recursive: true });
      await writeFile(path, bytes);
    },
    stop: () => server.stop(),
  };
}

function configOf(port: number, dir: string): string {
  return `
daemon off;
worker_processes 1;
pid ${dir}/nginx.pid;
user root;
events { worker_connections 1024; }
http {
  access_log off;
  sendfile on;
  tcp_nopush on;
  keepalive_requests 100000000;
  client_body_temp_path ${dir}/body;
  proxy_temp_path ${dir}/proxy;
  fastcgi_temp_path ${dir}/fastcgi;
  uwsgi_temp_path ${dir}/uwsgi;
  scgi_temp_path ${dir}/scgi;
  server {
    listen 127.0.0.1:${port};
    location / { root ${dir}/files; }
  }
}
`;
}

/** `undefined` if there are none. */
function childrenOf(pid: number): number[] | undefined {
  const text = readFileSync(`/proc/${pid}/task/${pid}/children`, "latin1").trim();
  return text === "" ? undefined : text.split(" ").map(Number);
}
