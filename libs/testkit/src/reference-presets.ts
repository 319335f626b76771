import { type Reference, type ReferencePlace, startReference } from "./reference.ts";

const RTMP_MODULE = "/usr/lib/nginx/modules/ngx_rtmp_module.so";

export interface NginxRtmpOptions {
  /** Directives inside `application live { … }`, beside `live on;`. */
  readonly applicationDirectives?: string;
  /** Directives inside `server { … }`, beside `listen`. */
  readonly serverDirectives?: string;
}

/** nginx with the RTMP module: publish and play at `rtmp://127.0.0.1:{port}/live/{name}`. Debian's packages. */
export function startNginxRtmp(options: NginxRtmpOptions = {}): Promise<Reference> {
  return startReference({
    command: "nginx",
    debianPackage: "nginx libnginx-mod-rtmp",
    args: (_port, { dir }) => ["-p", dir, "-e", "stderr", "-c", `${dir}/nginx.conf`],
    ready: "tcp",
    files: (place) => ({ "nginx.conf": nginxConfig(place, options) }),
    version: { args: ["-v"], pattern: /nginx\/([\d.]+)/ },
  });
}

/** Redis without persistence. */
export function startRedis(extraArgs: readonly string[] = []): Promise<Reference> {
  return startReference({
    command: "redis-server",
    args: (port, { dir }) => {
      const place = ["--bind", "127.0.0.1", "--port", String(port), "--dir", dir];
      return [...place, "--save", "", "--appendonly", "no", "--daemonize", "no", ...extraArgs];
    },
    ready: "tcp",
    version: { args: ["--version"], pattern: /v=([\d.]+)/ },
  });
}

/** memcached with 64 MiB. Started by root, it becomes `nobody`, as it insists. */
export function startMemcached(extraArgs: readonly string[] = []): Promise<Reference> {
  const user = process.getuid?.() === 0 ? ["-u", "nobody"] : [];
  return startReference({
    command: "memcached",
    args: (port) => ["-l", "127.0.0.1", "-p", String(port), "-U", "0", "-m", "64", ...user, ...extraArgs],
    ready: "tcp",
    version: { args: ["--version"], pattern: /memcached ([\d.]+)/ },
  });
}

/** A single etcd; `extraPorts[0]` is its peer port. */
export function startEtcd(extraArgs: readonly string[] = []): Promise<Reference> {
  return startReference({
    command: "etcd",
    args: (port, { extraPorts, dir }) => {
      const client = `http://127.0.0.1:${port}`;
      const peer = `http://127.0.0.1:${extraPorts[0]}`;
      const data = ["--name", "test", "--data-dir", `${dir}/data`, "--logger", "zap"];
      const clientUrls = ["--listen-client-urls", client, "--advertise-client-urls", client];
      const peerUrls = ["--listen-peer-urls", peer, "--initial-advertise-peer-urls", peer];
      return [...data, ...clientUrls, ...peerUrls, "--initial-cluster", `test=${peer}`, ...extraArgs];
    },
    ready: /ready to serve client requests|serving (?:insecure )?client (?:traffic|requests)/i,
    extraPortCount: 1,
    version: { args: ["--version"], pattern: /etcd Version: ([\d.]+)/ },
  });
}

/** NATS; `isJetStream` turns its streams on, in the server's own directory. */
export function startNats({ isJetStream = false } = {}): Promise<Reference> {
  return startReference({
    command: "nats-server",
    args: (port, { dir }) => [
      "-a",
      "127.0.0.1",
      "-p",
      String(port),
      ...(isJetStream ? ["-js", "-sd", `${dir}/js`] : []),
    ],
    ready: /Server is ready/,
    version: { args: ["--version"], pattern: /v?(\d[\d.]+)/ },
  });
}

function nginxConfig({ port, dir }: ReferencePlace, options: NginxRtmpOptions): string {
  return `load_module ${RTMP_MODULE};
daemon off;
master_process off;
worker_processes 1;
pid ${dir}/nginx.pid;
events { worker_connections 4096; }
rtmp {
  access_log off;
  server {
    listen 127.0.0.1:${port};
    ${options.serverDirectives ?? "chunk_size 4096;"}
    application live {
      live on;
      ${options.applicationDirectives ?? ""}
    }
  }
}
`;
}
