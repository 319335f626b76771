import { fork } from "node:child_process";
import { join } from "node:path";
import { type Reference, startMemcached, startReference } from "@kagami/testkit";

/** Something that answers memcached's requests, seen from its clients. */
export interface Subject {
  readonly name: "direct" | "nutcracker" | "kagami";
  /** Connections are shared out over these. */
  readonly ports: readonly number[];
  /** The process whose CPU time counts; 0 for no process in between. */
  readonly pid: number;
}

/** Three memcached with one thread each, and both proxies before them. */
export interface Subjects {
  readonly direct: Subject;
  readonly nutcracker: Subject;
  readonly kagami: Subject;
  readonly versions: string;
}

const SERVER_COUNT = 3;

/** Starts the servers and the proxies, gives them to `use`, and ends them whatever happens. */
export async function withSubjects<T>(use: (subjects: Subjects) => Promise<T>): Promise<T> {
  const stops: (() => Promise<unknown>)[] = [];
  try {
    const servers: Reference[] = [];
    for (let i = 0; i < SERVER_COUNT; i++) {
      const server = await startMemcached(["-t", "1", "-m", "256"]);
      servers.push(server);
      stops.push(() => server.stop());
    }
    const ports = servers.map(({ port }) => port);
    const nutcracker = await startNutcracker(ports);
    stops.push(() => nutcracker.stop());
    const kagami = await startKagami(ports);
    stops.push(kagami.stop);
    return await use({
      direct: { name: "direct", ports, pid: 0 },
      nutcracker: { name: "nutcracker", ports: [nutcracker.port], pid: nutcracker.pid },
      kagami: { name: "kagami", ports: [kagami.port], pid: kagami.pid },
      versions: `memcached ${servers[0]?.version}, nutcracker ${nutcracker.version}, Node ${process.version}`,
    });
  } finally {
    for (const stop of stops.reverse()) await stop();
  }
}

function startNutcracker(serverPorts: readonly number[]): Promise<Reference> {
  return startReference({
    command: "nutcracker",
    debianPackage: "nutcracker",
    args: (_port, { dir, extraPorts }) => ["-c", `${dir}/nutcracker.yml`, "-s", String(extraPorts[0])],
    extraPortCount: 1,
    ready: "tcp",
    files: ({ port }) => ({
      "nutcracker.yml": [
        "bench:",
        `  listen: 127.0.0.1:${port}`,
        "  hash: fnv1a_64",
        "  distribution: ketama",
        "  servers:",
        ...serverPorts.map((server) => `   - 127.0.0.1:${server}:1`),
        "",
      ].join("\n"),
    }),
    version: { args: ["-V"], pattern: /nutcracker-?\s*([\d.]+)/ },
  });
}

/** The proxy as a user starts it, in a process of its own. */
async function startKagami(serverPorts: readonly number[]) {
  const main = join(import.meta.dirname, "..", "..", "servers", "cacheproxy", "src", "main.ts");
  const servers = serverPorts.map((port) => `127.0.0.1:${port}`).join(",");
  const args = ["--listen", "127.0.0.1:0", "--admin", "off", "--log", "error", "--servers", servers];
  const child = fork(main, args, { stdio: ["ignore", "ignore", "inherit", "ipc"], execArgv: [] });
  const address = await new Promise<string>((resolve, reject) => {
    child.once("message", (message: { addresses?: { memcached?: string } }) => {
      resolve(message.addresses?.memcached ?? "");
    });
    child.once("exit", (code) => reject(new Error(`kagami cacheproxy ended with ${code}`)));
  });
  const stop = async (): Promise<void> => {
    const ended = new Promise((resolve) => child.once("exit", resolve));
    child.kill("SIGTERM");
    await ended;
  };
  return { port: Number(address.split(":").at(-1)), pid: child.pid ?? 0, stop };
}
