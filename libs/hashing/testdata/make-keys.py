#!/usr/bin/python3
"""Writes keys.txt: 3,000 different keys, one a line, from a fixed seed.

They have the shapes keys have in practice, every length from 1 to 64 bytes, a few up to 250, and some with bytes above
127 (valid UTF-8, because Java and Python clients take text), where hashes written with signed chars show.
"""
import random

KEY_COUNT = 3_000
random.seed(2026)
PRINTABLE = [chr(code) for code in range(0x21, 0x7F)]
FOREIGN = list("äöüßéñçžøđабвгдежзΩλπ漢字仮名键値한글😀🎮")


def any_text(length):
    return "".join(random.choice(PRINTABLE) for _ in range(length))


def foreign_text():
    pieces = [random.choice(FOREIGN) if random.random() < 0.5 else random.choice(PRINTABLE) for _ in range(random.randint(1, 20))]
    return "".join(pieces)


SHAPES = [
    lambda i: f"user:{random.randint(1, 9_999_999)}",
    lambda i: f"session:{random.getrandbits(128):032x}",
    lambda i: f"catalogue/item/{i}/price",
    lambda i: f"k{i}",
    lambda i: any_text(1 + i % 64),
    lambda i: f"viewers.{random.choice(['eu', 'us', 'ap'])}-{random.randint(0, 999)}.count",
    lambda i: foreign_text(),
]
keys = ["a", "b", "0", "~", "key", "x" * 250, any_text(250), any_text(249), any_text(128), any_text(127)]
keys += ["y" * length for length in range(50, 70)]  # where MD5 goes from one block to two
seen = set(keys)
i = 0
while len(keys) < KEY_COUNT:
    key = SHAPES[i % len(SHAPES)](i)
    i += 1
    if key not in seen and len(key.encode()) <= 250:
        seen.add(key)
        keys.append(key)
with open("keys.txt", "wb") as file:
    file.write("".join(f"{key}\n" for key in keys).encode())
