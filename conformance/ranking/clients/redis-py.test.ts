import { startServer } from "@kagami/ranking/testing";
import { runTool } from "@kagami/testkit";
import { afterAll, beforeAll, describe, test } from "vitest";

let server: Awaited<ReturnType<typeof startServer>>;

beforeAll(async () => {
  server = await startServer();
});
afterAll(() => server.close(0));

const PRELUDE = `
import sys, redis
host, port = sys.argv[1].split(":")
r = redis.Redis(host, int(port), decode_responses=True)
r.flushall()
`;

/** Programs as a user of redis-py writes them; they end with an AssertionError where a reply is not what it should be. */
const PROGRAMS = [
  {
    does: "reads and writes values of all types",
    program: `
assert r.set("k", "v", ex=60, nx=True) is True
assert r.set("k", "w", nx=True) is None
assert r.ttl("k") == 60
assert r.mget("k", "absent") == ["v", None]
assert r.hset("h", mapping={"a": 1, "b": "two"}) == 2
assert r.hgetall("h") == {"a": "1", "b": "two"}
assert r.rpush("l", 1, 2, 3) == 3 and r.lrange("l", 0, -1) == ["1", "2", "3"]
assert r.lpos("l", "2") == 1 and r.lmove("l", "m", "LEFT", "RIGHT") == "1"
assert r.sadd("s", "a", "b") == 2 and r.smembers("s") == {"a", "b"}
assert r.incrbyfloat("f", 1.5) == 1.5
assert r.setbit("bits", 7, 1) == 0 and r.bitcount("bits") == 1
assert r.type("h") == "hash" and r.object("encoding", "l") is not None
assert r.copy("k", "copy") and r.getdel("copy") == "v"
`,
  },
  {
    does: "keeps a ranking",
    program: `
assert r.zadd("r", {"ann": 10, "bob": 30, "cem": 20}) == 3
assert r.zadd("r", {"ann": 5}, gt=True, ch=True) == 0
assert r.zincrby("r", 15.5, "ann") == 25.5
assert r.zrevrange("r", 0, 1, withscores=True) == [("bob", 30.0), ("ann", 25.5)]
assert r.zrange("r", "+inf", "(20", desc=True, byscore=True) == ["bob", "ann"]
assert r.zunion(["r", "r"], withscores=True)[-1] == ("bob", 60.0)
assert r.zpopmax("r") == [("bob", 30.0)] and r.zrank("r", "cem") == 0
assert r.bzpopmin("r", timeout=1) == ("r", "cem", 20.0)
`,
  },
  {
    does: "keeps bytes as they are",
    program: `
b = redis.Redis(host, int(port))
value = bytes(range(256)) * 4096
assert b.set(value[:256], value) and b.get(value[:256]) == value
assert b.restore("copy", 0, b.dump(value[:256])) and b.get("copy") == value
`,
  },
  {
    does: "pipelines, in a transaction and without",
    program: `
with r.pipeline() as p:
    assert p.set("k", 1).incr("k").execute() == [True, 2]
with r.pipeline(transaction=False) as p:
    for i in range(1000): p.incr("n")
    assert p.execute() == list(range(1, 1001))
with r.pipeline() as p:
    try:
        p.set("k", "v").lpush("k", "v").execute()
        assert False
    except redis.ResponseError as error:
        assert "WRONGTYPE" in str(error)
`,
  },
  {
    does: "repeats a transaction whose watched key has changed",
    program: `
r.set("n", 1)
tries = 0
def double(pipe):
    global tries
    tries += 1
    value = int(pipe.get("n"))
    if tries == 1: r.set("n", 5)
    pipe.multi()
    pipe.set("n", value * 2)
r.transaction(double, "n")
assert tries == 2 and r.get("n") == "10"
`,
  },
  {
    does: "subscribes to channels and patterns",
    program: `
p = r.pubsub(ignore_subscribe_messages=True)
p.subscribe("a"); p.psubscribe("game:*")
while r.pubsub_numpat() != 1 or r.pubsub_numsub("a") != [("a", 1)]: pass
assert r.publish("a", "1") == 1 and r.publish("game:7", "2") == 1
heard = []
for message in p.listen():
    if message is not None: heard.append((message["type"], message["pattern"], message["channel"], message["data"]))
    if len(heard) == 2: break
assert heard == [("message", None, "a", "1"), ("pmessage", "game:*", "game:7", "2")], heard
`,
  },
  {
    does: "registers a script and takes a lock, which are Lua",
    program: `
add = r.register_script("return redis.call('INCRBY', KEYS[1], ARGV[1])")
assert add(keys=["n"], args=[5]) == 5
r.script_flush()
assert add(keys=["n"], args=[5]) == 10
lock = r.lock("lock", timeout=10)
assert lock.acquire() and not r.lock("lock").acquire(blocking=False)
assert lock.extend(5) and lock.reacquire()
lock.release()
assert r.exists("lock") == 0
`,
  },
  {
    does: "iterates over keys, fields and members",
    program: `
names = {f"player:{i}" for i in range(2000)}
r.mset({name: "v" for name in names})
assert set(r.scan_iter("player:*", count=100)) == names
r.zadd("z", {name: i for i, name in enumerate(sorted(names))})
assert {name for name, _ in r.zscan_iter("z")} == names
r.hset("h", mapping={name: 1 for name in names})
assert {name for name, _ in r.hscan_iter("h")} == names
`,
  },
  {
    does: "understands what the server says of itself",
    program: `
assert r.info()["redis_version"] == "7.0.15"
assert r.config_get("databases") == {"databases": "16"}
assert r.client_setname("py") and r.client_getname() == "py"
assert [c for c in r.client_list() if c["name"] == "py"][0]["db"] == "0"
assert r.command_count() > 200 and r.command()["get"]["arity"] == 2
assert r.acl_whoami() == "default" and "get" in r.acl_cat("read")
assert isinstance(r.time()[0], int) and r.memory_usage("absent") is None
assert isinstance(r.slowlog_get(), list) and r.ping()
`,
  },
];

describe("redis-py", () => {
  test.each(PROGRAMS)("$does", async ({ program }) => {
    await runTool("/usr/bin/python3", ["-c", PRELUDE + program, server.address], {
      mustSucceed: true,
      debianPackage: "python3-redis",
    });
  });
});
