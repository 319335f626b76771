import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { startServer } from "@kagami/ranking/testing";
import { eventually, runTool, withTempDir } from "@kagami/testkit";
import { Redis, type RedisOptions } from "ioredis";
import { describe, expect, test } from "vitest";

const CURVE = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2"];

/** Makes `name.pem` and `name.key`: an authority of its own, or what the authority `by` says is at 127.0.0.1. */
async function certify(dir: string, name: string, by?: string): Promise<void> {
  const signer = by === undefined ? [] : ["-CA", `${by}.pem`, "-CAkey", `${by}.key`];
  const place = by === undefined ? [] : ["-addext", "subjectAltName=IP:127.0.0.1"];
  const out = ["-keyout", `${name}.key`, "-out", `${name}.pem`, "-subj", `/CN=${name}`];
  await runTool("openssl", ["req", "-x509", ...CURVE, ...signer, ...place, ...out], { cwd: dir, mustSucceed: true });
}

type Server = Awaited<ReturnType<typeof startServer>>;

/** A server with a certificate of the authority `right`; there is another authority `wrong`, and clients of both. */
async function withTls(use: (dir: string, server: Server) => Promise<void>, asksClients = false): Promise<void> {
  await withTempDir(async (dir) => {
    for (const authority of ["right", "wrong"]) await certify(dir, authority);
    await certify(dir, "server", "right");
    await certify(dir, "client", "right");
    await certify(dir, "stranger", "wrong");
    const file = (name: string): string => join(dir, name);
    const server = await startServer({
      ...{ tlsListen: "127.0.0.1:0", tlsCert: file("server.pem"), tlsKey: file("server.key") },
      ...(asksClients && { tlsClientCa: file("right.pem") }),
    });
    try {
      await use(dir, server);
    } finally {
      await server.close(0);
    }
  });
}

function portOf({ addresses }: Server): number {
  return Number(addresses.redisTls?.split(":")[1]);
}

/** Connects, and does a few things; rejects with why it could not. */
async function talk(server: Server, tls: NonNullable<RedisOptions["tls"]>): Promise<unknown[]> {
  const client = new Redis({
    ...{ host: "127.0.0.1", port: portOf(server), lazyConnect: true, retryStrategy: () => null },
    ...{ tls, maxRetriesPerRequest: 0, connectTimeout: 5_000 },
  });
  let reason: unknown;
  client.on("error", (error) => {
    reason ??= error;
  });
  try {
    await client.connect().catch((error) => {
      throw reason ?? error;
    });
    const large = "x".repeat(3_000_000);
    const replies = await Promise.all([
      client.set("large", large),
      client.get("large").then((value) => value === large),
      ...Array.from({ length: 500 }, () => client.incr("n")),
    ]);
    return [replies[0], replies[1], replies.at(-1)];
  } finally {
    client.disconnect();
  }
}

async function pem(dir: string, name: string): Promise<string> {
  return await readFile(join(dir, name), "latin1");
}

describe("TLS", () => {
  test("ioredis and redis-cli talk over it when they know the authority, with large values and many requests at once", async () => {
    await withTls(async (dir, server) => {
      expect(await talk(server, { ca: await pem(dir, "right.pem") })).toEqual(["OK", true, 500]);
      const cli = ["-p", String(portOf(server)), "--tls", "--cacert", join(dir, "right.pem")];
      expect((await runTool("redis-cli", [...cli, "incr", "n"], { mustSucceed: true })).stdout).toBe("501\n");
      const pipe = await runTool("redis-cli", [...cli, "--pipe"], { input: "INCR n\r\n".repeat(20_000) });
      expect(pipe.stdout).toContain("errors: 0, replies: 20000");
    });
  });

  test("who trusts another authority does not talk, nor does who asks without TLS", async () => {
    await withTls(async (dir, server) => {
      await expect(talk(server, { ca: await pem(dir, "wrong.pem") })).rejects.toThrow(/certificate/);
      const cli = ["-p", String(portOf(server)), "--tls", "--cacert", join(dir, "wrong.pem"), "ping"];
      const refused = await runTool("redis-cli", cli);
      expect(refused.exitCode).not.toBe(0);
      expect(refused.stderr).toContain("certificate verify failed");
      const plain = await runTool("redis-cli", ["-p", String(portOf(server)), "ping"]);
      expect(plain.stdout + plain.stderr).not.toContain("PONG");
      // The server is none the worse for it.
      expect(await talk(server, { ca: await pem(dir, "right.pem") })).toEqual(["OK", true, 500]);
    });
  });

  test("where client certificates are asked for, only who has one of the right authority gets in", async () => {
    await withTls(async (dir, server) => {
      const ca = await pem(dir, "right.pem");
      const known = { ca, cert: await pem(dir, "client.pem"), key: await pem(dir, "client.key") };
      expect(await talk(server, known)).toEqual(["OK", true, 500]);
      await expect(talk(server, { ca })).rejects.toThrow();
      const stranger = { ca, cert: await pem(dir, "stranger.pem"), key: await pem(dir, "stranger.key") };
      await expect(talk(server, stranger)).rejects.toThrow();
      await eventually(() => server.engine.sessions.count === 0);
    }, true);
  });

  test("a certificate that cannot be read is told by its path, and the server does not start", async () => {
    const settings = { tlsListen: "127.0.0.1:0", tlsCert: "/nowhere/server.pem", tlsKey: "/nowhere/server.key" };
    await expect(startServer(settings)).rejects.toMatchObject({
      code: "TLS_FILE_UNREADABLE",
      message: expect.stringContaining("/nowhere/server.pem"),
    });
  });
});
