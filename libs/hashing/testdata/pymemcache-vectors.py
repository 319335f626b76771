#!/usr/bin/python3
"""Writes pymemcache.json: where pymemcache's HashClient puts the keys, given as text. Nothing is connected to."""
import json
import sys

from pymemcache.client.hash import HashClient

try:
    from importlib.metadata import version
except ImportError:
    sys.exit("needs Python 3.8 or later")

keys = open("keys.txt", encoding="utf-8").read().split("\n")[:-1]
pools = json.load(open("pools.json"))
sets = []
for servers in pools.values():
    if any(weight > 1 for _, _, weight in servers):
        continue  # it has no weights
    client = HashClient([(host, port) for host, port, _ in servers], allow_unicode_keys=True)
    positions = {(host, port): "0123456789abcdefghijklmnopqrstuvwxyz"[i] for i, (host, port, _) in enumerate(servers)}
    owners = "".join(positions[client._get_client(key).server] for key in keys)
    sets.append({"kind": "pymemcache-rendezvous", "servers": servers, "owners": owners})
with open("pymemcache.json", "w") as file:
    json.dump({"program": f"pymemcache {version('pymemcache')}", "sets": sets}, file, separators=(",", ":"))
    file.write("\n")
