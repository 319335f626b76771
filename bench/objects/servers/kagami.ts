import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { startKagami } from "@kagami/testkit";
import { request } from "undici";
import type { LocalPeer } from "./peer.ts";

export interface ObjectsOptions {
  /** Kept at the end if given; otherwise a new one that is removed. */
  readonly data?: string;
  readonly args?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  /** A module that the process loads before everything else. */
  readonly preload?: string;
}

/** Ours, and what else a bench needs to know of it. */
export interface ObjectsServer extends LocalPeer {
  /** Host and port of the admin API; empty if it is off. */
  readonly admin: string;
  readonly data: string;
  /** SIGKILL; resolves when the process is gone. */
  kill(): Promise<void>;
}

const CREDENTIALS = { accessKey: "KAGAMIBENCHACCESSKEY", secretKey: "kagami-bench-secret-key-0123456789abcdef" };

/** `kagami objects` as a user starts it, in a process of its own. @throws Error if it ends before it is ready. */
export async function startObjects({ data, args = [], env, preload }: ObjectsOptions): Promise<ObjectsServer> {
  const directory = data ?? (await mkdtemp(join(tmpdir(), "kagami-bench-objects-")));
  const all = ["--listen", "127.0.0.1:0", "--admin", "127.0.0.1:0", "--log", "error", "--data", directory, ...args];
  const { pid, addresses, end } = await startKagami({
    part: "objects",
    args: all,
    ...(preload === undefined ? {} : { preload }),
    env: {
      KAGAMI_OBJECTS_ACCESS_KEY: CREDENTIALS.accessKey,
      KAGAMI_OBJECTS_SECRET_KEY: CREDENTIALS.secretKey,
      ...env,
    },
  });
  const { admin = "", ...served } = addresses;
  return {
    name: "kagami",
    endpoint: `http://${Object.values(served)[0]}`,
    admin,
    credentials: CREDENTIALS,
    pids: [pid],
    version: `Node ${process.version}`,
    data: directory,
    kill: () => end("SIGKILL"),
    stop: async () => {
      await end("SIGTERM");
      if (data === undefined) await rm(directory, { recursive: true, force: true });
    },
  };
}

/** A request of the admin API that changes something. */
interface AdminChange {
  readonly method: "POST" | "DELETE";
  readonly body?: Readonly<Record<string, unknown>>;
}

const JSON_HEADERS = { "content-type": "application/json" };

/** What the admin API says of one of its views, or to a change. @throws Error if it refuses */
export async function askAdmin<T>({ admin }: ObjectsServer, view: string, change?: AdminChange): Promise<T> {
  const { method = "GET", body } = change ?? {};
  const sent = body === undefined ? {} : { body: JSON.stringify(body) };
  const answer = await request(`http://${admin}/api/${view}`, { method, headers: JSON_HEADERS, ...sent });
  const text = await answer.body.text();
  if (answer.statusCode >= 300)
    throw new Error(`The admin API answered ${answer.statusCode} to ${method} /api/${view}`);
  return (text === "" ? undefined : JSON.parse(text)) as T;
}

/** Starts ours, gives it to `use`, and ends it whatever happens. */
export async function withObjects<T>(options: ObjectsOptions, use: (server: ObjectsServer) => Promise<T>): Promise<T> {
  const server = await startObjects(options);
  try {
    return await use(server);
  } finally {
    await server.stop();
  }
}
