import { command, type Family, type Step } from "../step.ts";
import type { Vocabulary } from "../vocabulary.ts";

const SCRIPTS = [
  "return 1",
  "return {1, 2, {3, 'x'}, false, true, 4}",
  "return {1, nil, 3}",
  "return 3.99",
  "return ARGV",
  "return KEYS",
  "return {ok='fine'}",
  "return {err='MINE bad'}",
  "return redis.status_reply('OK')",
  "return redis.error_reply('bad')",
  "return redis.call('GET', KEYS[1])",
  "return redis.call('SET', KEYS[1], ARGV[1])",
  "return redis.pcall('LPUSH', KEYS[1], ARGV[1])",
  "return redis.call('INCR', KEYS[1])",
  "local r = redis.pcall('INCR', KEYS[1]) if type(r) == 'table' and r.err then return r.err end return r",
  "return redis.call('HSET', KEYS[1], 'a', 1, 'b', ARGV[1])",
  "return redis.call('NOSUCH')",
  "return redis.call('SET')",
  "return redis.call()",
  "return cjson.encode({1, 'a', {b = 2}})",
  "return cjson.decode(ARGV[1])",
  "return redis.sha1hex(ARGV[1] or '')",
  "local s = 0 for i = 1, 100 do s = s + i end return s",
  "return #KEYS + #ARGV",
  "return tostring(1/3)",
  "return string.format('%5.2f|%d|%s|%x', 3.14159, 42, 'a', 255)",
  "x = 1 return x",
  "return y",
  "return {double=3.5}",
  "redis.setresp(3) local m = redis.call('HGETALL', KEYS[1]) return m.map and 'a map' or #m",
  "return struct.pack('>I2', 258)",
  "return cmsgpack.pack({1, 'a'})",
  "return bit.band(255, 15)",
  "error('stop')",
  "error({err='TABLE stop'})",
  "return redis.call('PUBLISH', 'unheard', 'm')",
  "return math.floor(-2.5)",
  "syntax error here",
  "return redis.call('ZADD', KEYS[1], 1.5, 'a')",
  "return redis.call('ZRANGE', KEYS[1], 0, -1, 'WITHSCORES')",
] as const;

function call(v: Vocabulary): readonly string[] {
  const keys = v.many(1, 2, () => v.key(v.one("s", "h", "l", "z")));
  const keyCount = v.chance(0.94) ? String(keys.length) : v.one("0", "-1", "9", "x");
  return [keyCount, ...keys, ...v.many(0, 2, () => v.value())];
}

/** Lua scripts: conversions both ways, errors, the libraries, the store of scripts. */
export const SCRIPTS_FAMILY: Family = {
  name: "scripts",
  weight: 2,
  next: (v): Step[] => {
    const script = v.one(...SCRIPTS);
    switch (v.random.int(0, 9)) {
      case 0:
        return [command("SCRIPT", "LOAD", script)];
      case 1:
        return [command("SCRIPT", "EXISTS", "e0e1f9fabfc9d4800c877a703b823ac0578ff8db", "x")];
      case 2:
        return [
          command(
            v.one("EVALSHA", "EVALSHA_RO"),
            v.one("e0e1f9fabfc9d4800c877a703b823ac0578ff8db", "nosuch"),
            ...call(v),
          ),
        ];
      case 3:
        return [command("EVAL_RO", script, ...call(v))];
      case 4:
        return v.chance(0.2) ? [command("SCRIPT", v.one("FLUSH", "NOPE", "KILL"))] : [command("EVAL", script, "0")];
      default:
        return [command("EVAL", script, ...call(v))];
    }
  },
};
