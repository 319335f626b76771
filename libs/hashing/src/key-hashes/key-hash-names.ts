import { crc16, crc32, crc32Of15Bits } from "./crc.ts";
import { fnv1aOf32, fnv1aOf64, fnv1Of32, fnv1Of64 } from "./fnv.ts";
import { hsieh } from "./hsieh.ts";
import { jenkins, oneAtATime } from "./jenkins.ts";
import type { KeyHash } from "./key-hash.ts";
import { md5FirstWord } from "./md5.ts";
import { murmur2 } from "./murmur2.ts";
import { murmur3 } from "./murmur3.ts";

/** twemproxy's `hash:` values, each computing what twemproxy 0.5.0 does. */
export const TWEMPROXY_HASHES: Readonly<Record<string, KeyHash>> = {
  one_at_a_time: oneAtATime,
  md5: md5FirstWord,
  crc16,
  crc32: crc32Of15Bits,
  crc32a: crc32,
  fnv1_64: fnv1Of64,
  fnv1a_64: fnv1aOf64,
  fnv1_32: fnv1Of32,
  fnv1a_32: fnv1aOf32,
  hsieh,
  murmur: murmur2,
  jenkins,
};

/** libmemcached's `memcached_hash_t` values in lower case, each computing what libmemcached 1.1.4 does. */
export const LIBMEMCACHED_HASHES: Readonly<Record<string, KeyHash>> = {
  default: oneAtATime,
  md5: md5FirstWord,
  crc: crc32Of15Bits,
  fnv1_64: fnv1Of64,
  fnv1a_64: fnv1aOf64,
  fnv1_32: fnv1Of32,
  fnv1a_32: fnv1aOf32,
  murmur: murmur2,
  jenkins,
  murmur3: (bytes, start, end) => murmur3(bytes, start, end, Math.imul(0xdeadbeef, end - start)),
};
