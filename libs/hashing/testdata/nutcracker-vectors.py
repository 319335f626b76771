#!/usr/bin/python3
"""Writes nutcracker.json: where nutcracker (twemproxy) puts the keys, found through live sockets.

Fake memcached servers answer every get with their own number; what comes back through nutcracker says which server it
asked. Servers without a label listen on 127.44.0.x, with and without port 11211. One nutcracker serves all pools.
"""
import asyncio
import json
import os
import signal
import socket
import subprocess
import tempfile

DIGITS = "0123456789abcdefghijklmnopqrstuvwxyz"
HASHES = ["fnv1a_64", "one_at_a_time", "md5", "crc16", "crc32", "crc32a", "fnv1_64", "fnv1_32", "fnv1a_32", "hsieh", "murmur", "jenkins"]
KEYS = open("keys.txt", "rb").read().split(b"\n")[:-1]

PLAIN = [["127.44.0.1", 11211, 1], ["127.44.0.2", 11211, 1], ["127.44.0.3", 11215, 1]]
WEIGHTED = [["127.44.0.1", 11211, 1], ["127.44.0.2", 11211, 2], ["127.44.0.3", 11215, 3], ["127.44.0.4", 11216, 5]]
LABELLED = [[f"127.44.0.{i + 1}", 11211 + i % 4, 1, f"cache-{i:02}"] for i in range(12)]
UNEVEN = [[f"127.44.0.{i + 1}", 11211 + i % 4, weight, f"shard{i}"] for i, weight in enumerate([100, 7, 33, 1, 64, 50, 99, 12, 28])]
POOLS = (
    [("twemproxy-ketama", hash_, WEIGHTED) for hash_ in HASHES]
    + [("twemproxy-modula", hash_, WEIGHTED) for hash_ in HASHES]
    + [(kind, hash_, servers) for kind in ("twemproxy-ketama", "twemproxy-modula") for hash_, servers in
       [("fnv1a_64", PLAIN[:1]), ("md5", PLAIN), ("fnv1a_64", LABELLED), ("md5", LABELLED), ("md5", UNEVEN), ("murmur", UNEVEN)]]
)


async def fake_server(host, port):
    async def serve(reader, writer):
        while line := await reader.readline():
            key = line.split(b" ")[1].rstrip(b"\r\n")
            text = f"{host}:{port}".encode()
            writer.write(b"VALUE %s 0 %d\r\n%s\r\nEND\r\n" % (key, len(text), text))
        writer.close()

    return await asyncio.start_server(serve, host, port)


async def ask(port, servers):
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    positions = {f"{host}:{port}": DIGITS[i] for i, (host, port, *_) in enumerate(servers)}
    owners = ""
    for start in range(0, len(KEYS), 100):
        batch = KEYS[start : start + 100]
        writer.write(b"".join(b"get %s\r\n" % key for key in batch))
        for key in batch:
            header = await reader.readline()
            if not header.startswith(b"VALUE " + key + b" "):
                raise RuntimeError(f"unexpected answer for {key!r}: {header!r}")
            owners += positions[(await reader.readline()).strip().decode()]
            await reader.readline()
    writer.close()
    return owners


def free_ports(count):
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [one.getsockname()[1] for one in sockets]
    for one in sockets:
        one.close()
    return ports


def config_text(ports):
    lines = []
    for i, (kind, hash_, servers) in enumerate(POOLS):
        lines += [f"pool{i}:", f"  listen: 127.0.0.1:{ports[i]}", f"  hash: {hash_}"]
        lines += [f"  distribution: {kind.removeprefix('twemproxy-')}", "  servers:"]
        lines += [f"   - {host}:{port}:{weight}" + (f" {label[0]}" if label else "") for host, port, weight, *label in servers]
    return "\n".join(lines) + "\n"


async def main():
    addresses = sorted({(host, port) for _, _, servers in POOLS for host, port, *_ in servers})
    fakes = [await fake_server(host, port) for host, port in addresses]
    ports = free_ports(len(POOLS) + 1)
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "nutcracker.yml")
        with open(path, "w") as file:
            file.write(config_text(ports))
        nutcracker = subprocess.Popen(["nutcracker", "-c", path, "-s", str(ports[-1]), "-a", "127.0.0.1", "-m", "16384"], stderr=subprocess.DEVNULL)
        try:
            for _ in range(100):
                try:
                    socket.create_connection(("127.0.0.1", ports[0])).close()
                    break
                except ConnectionRefusedError:
                    await asyncio.sleep(0.05)
            sets = []
            for i, (kind, hash_, servers) in enumerate(POOLS):
                sets.append({"kind": kind, "hash": hash_, "servers": servers, "owners": await ask(ports[i], servers)})
        finally:
            nutcracker.send_signal(signal.SIGTERM)
            nutcracker.wait()
    version = subprocess.run(["nutcracker", "-V"], capture_output=True, text=True)
    program = (version.stdout + version.stderr).strip().splitlines()[0].removeprefix("This is ")
    with open("nutcracker.json", "w") as file:
        json.dump({"program": program, "sets": sets}, file, separators=(",", ":"))
        file.write("\n")
    for fake in fakes:
        fake.close()


asyncio.run(main())
