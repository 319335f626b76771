import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Server, type Socket } from "node:net";
import { createInterface } from "node:readline";
import { createRandom, seeds } from "@kagami/clock";
import { type PlacementServer, type PlacementSpec, selectorFor } from "@kagami/hashing";
import { runTool, startReference } from "@kagami/testkit";
import { describe, expect, test } from "vitest";

/*
 * The programs that are installed here place keys where libs/hashing does, for pools and keys that nobody chose by hand.
 * The vectors in libs/hashing/testdata cover more; these see whether another version of a program does otherwise.
 */
const KEY_COUNT = 300;

/** Reads `{servers: [[host, port, weight]…], keys}` and answers with `host:port` for each key. */
const phpMemcached = (options: string) => `
$in = json_decode(stream_get_contents(STDIN), true);
$client = new Memcached();
$client->setOptions([${options}]);
foreach ($in['servers'] as $server) $client->addServer(...$server);
echo json_encode(array_map(function ($key) use ($client) {
  $server = $client->getServerByKey($key);
  return "$server[host]:$server[port]";
}, $in['keys']));`;

const phpMemcache = `
ini_set('memcache.hash_strategy', 'consistent');
$in = json_decode(stream_get_contents(STDIN), true);
$client = new MemcachePool();
foreach ($in['servers'] as [$host, $port, $weight]) $client->addServer($host, $port, 0, false, $weight, 1, 15);
echo json_encode(array_map(fn ($key) => $client->findServer($key), $in['keys']));`;

const pymemcache = `
import json, sys
from pymemcache.client.hash import HashClient
given = json.load(sys.stdin)
client = HashClient([(host, port) for host, port, _ in given["servers"]], allow_unicode_keys=True)
print(json.dumps(["%s:%s" % client._get_client(key).server for key in given["keys"]]))`;

const ketama = "Memcached::OPT_LIBKETAMA_COMPATIBLE => true";
const consistent = "Memcached::OPT_DISTRIBUTION => Memcached::DISTRIBUTION_CONSISTENT";
const clients = [
  { kind: "libmemcached-ketama", command: "php", args: ["-r", phpMemcached(ketama)], debianPackage: "php-memcached" },
  {
    kind: "libmemcached-consistent",
    command: "php",
    args: ["-r", phpMemcached(consistent)],
    debianPackage: "php-memcached",
  },
  { kind: "libmemcached-modula", command: "php", args: ["-r", phpMemcached("")], debianPackage: "php-memcached" },
  { kind: "pecl-consistent", command: "php", args: ["-r", phpMemcache], debianPackage: "php-memcache" },
  {
    kind: "pymemcache-rendezvous",
    command: "/usr/bin/python3",
    args: ["-c", pymemcache],
    debianPackage: "python3-pymemcache",
  },
] as const;

describe.each(clients)("$kind", ({ kind, command, args, debianPackage }) => {
  const weighted = kind !== "libmemcached-modula" && kind !== "pymemcache-rendezvous";

  test.each(seeds(4))("the client places keys where we do, seed %i", async (seed) => {
    const servers = randomServers(seed, weighted);
    const keys = randomKeys(seed);
    const input = JSON.stringify({ servers: servers.map(({ host, port, weight }) => [host, port, weight]), keys });
    const { stdout } = await runTool(command, args, { input, debianPackage, mustSucceed: true });
    expect(JSON.parse(stdout)).toEqual(ourAddresses({ kind, servers }, keys));
  });
});

test.each([
  { kind: "twemproxy-ketama", hash: "fnv1a_64", seed: 1 },
  { kind: "twemproxy-ketama", hash: "murmur", seed: 2 },
  { kind: "twemproxy-modula", hash: "crc16", seed: 3 },
] as const)("nutcracker places keys where we do: $kind with $hash", async ({ kind, hash, seed }) => {
  const random = createRandom(seed);
  const doors = await Promise.all(Array.from({ length: 5 }, () => startTellingServer()));
  const servers = doors.map(({ port }, i) => ({
    name: `shard-${i}`,
    host: "127.0.0.1",
    port,
    weight: random.int(1, 9),
  }));
  const listed = servers.map(({ name, host, port, weight }) => `   - ${host}:${port}:${weight} ${name}\n`).join("");
  const nutcracker = await startReference({
    command: "nutcracker",
    args: (_port, { dir, extraPorts }) => ["-c", `${dir}/pools.yml`, "-s", String(extraPorts[0]), "-a", "127.0.0.1"],
    files: ({ port }) => ({
      "pools.yml":
        `pool:\n  listen: 127.0.0.1:${port}\n  hash: ${hash}\n` +
        `  distribution: ${kind.replace("twemproxy-", "")}\n  servers:\n${listed}`,
    }),
    extraPortCount: 1,
    ready: "tcp",
  });
  try {
    const keys = randomKeys(seed);
    expect(await askEach(nutcracker.port, keys)).toEqual(ourAddresses({ kind, hash, servers }, keys));
  } finally {
    await nutcracker.stop();
    for (const { close } of doors) close();
  }
});

function ourAddresses(placement: PlacementSpec, keys: readonly string[]): string[] {
  const selector = selectorFor(placement);
  const encoder = new TextEncoder();
  return keys.map((key) => {
    const bytes = encoder.encode(key);
    const server = placement.servers[selector.select(bytes, 0, bytes.length)];
    return `${server?.host}:${server?.port}`;
  });
}

/** 1 to 12 servers, half of them on memcached's own port. */
function randomServers(seed: number, weighted: boolean): PlacementServer[] {
  const random = createRandom(seed);
  return Array.from({ length: random.int(1, 12) }, (_, i) => {
    const host = `10.${random.int(0, 255)}.${random.int(0, 255)}.${i + 1}`;
    const port = random.chance(0.5) ? 11_211 : random.int(1_024, 65_535);
    return { name: `${host}:${port}`, host, port, weight: weighted ? random.int(1, 20) : 1 };
  });
}

function randomKeys(seed: number): string[] {
  const random = createRandom(seed + 1_000);
  const letters = [..."abcdefghijklmnopqrstuvwxyz0123456789:./-_%äß漢😀"];
  const key = () =>
    Array.from({ length: random.int(1, 60) }, () => letters[random.int(0, letters.length - 1)]).join("");
  return Array.from({ length: KEY_COUNT }, key);
}

/** A memcached that answers every get with its own address. */
async function startTellingServer(): Promise<{ port: number; close: () => void }> {
  const sockets = new Set<Socket>();
  const server: Server = createServer((socket) => {
    sockets.add(socket);
    socket.on("error", () => socket.destroy()); // nutcracker was ended
    const { port } = server.address() as AddressInfo;
    const text = `127.0.0.1:${port}`;
    createInterface({ input: socket }).on("line", (line) => {
      socket.write(`VALUE ${line.split(" ")[1]} 0 ${text.length}\r\n${text}\r\nEND\r\n`);
    });
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const close = () => {
    server.close();
    for (const socket of sockets) socket.destroy();
  };
  return { port: (server.address() as AddressInfo).port, close };
}

async function askEach(port: number, keys: readonly string[]): Promise<string[]> {
  const socket = connect(port, "127.0.0.1");
  socket.setTimeout(10_000, () => socket.destroy(new Error("nutcracker does not answer")));
  socket.write(keys.map((key) => `get ${key}\r\n`).join(""));
  const answers: string[] = [];
  for await (const line of createInterface({ input: socket })) {
    if (line.startsWith("127.0.0.1:")) answers.push(line);
    if (answers.length === keys.length) break;
  }
  socket.destroy();
  return answers;
}
