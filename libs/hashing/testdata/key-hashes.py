#!/usr/bin/python3
"""Writes libmemcached-hashes.json: the hashes libmemcached's own functions give for the first 400 keys and odd bytes."""
import ctypes
import json

NAMES = ["default", "md5", "crc", "fnv1_64", "fnv1a_64", "fnv1_32", "fnv1a_32", "hsieh", "murmur", "jenkins", "murmur3"]
library = ctypes.CDLL("libmemcached.so.11")
library.memcached_generate_hash_value.restype = ctypes.c_uint32
library.memcached_generate_hash_value.argtypes = [ctypes.c_char_p, ctypes.c_size_t, ctypes.c_int]
library.memcached_lib_version.restype = ctypes.c_char_p
keys = open("keys.txt", "rb").read().split(b"\n")[:400]
keys += [bytes(range(first, 256)) for first in range(0, 256, 15)]
values = {
    name: [library.memcached_generate_hash_value(key, len(key), algorithm) for key in keys]
    for algorithm, name in enumerate(NAMES)
}
with open("libmemcached-hashes.json", "w") as file:
    json.dump({"program": f"libmemcached {library.memcached_lib_version().decode()}", "values": values}, file, separators=(",", ":"))
    file.write("\n")
