/**
 * What an application does with its memcached client, once for each client. Each program is given the proxy's port as its
 * only argument, does its work, and prints one JSON object; what it prints must equal {@link EXPECTED}.
 */
export const EXPECTED = {
  set: true,
  get: "value",
  missing: null,
  added: [true, false],
  replaced: [true, false],
  joined: "<value>",
  counted: [11, 9],
  many: { "many:1": "1", "many:2": "2", "many:3": "3", "many:30": "30" },
  manyCount: 60,
  bigLength: 300_000,
  touched: true,
  deleted: [true, null],
  cas: ["second", false],
  binary: "0001ff0d0a20",
};

export const PYMEMCACHE = `
import json, sys
from pymemcache.client.base import Client
c = Client(("127.0.0.1", int(sys.argv[1])), default_noreply=False, timeout=5)
text = lambda b: None if b is None else b.decode()
out = {}
out["set"] = c.set("p:a", "value")
out["get"] = text(c.get("p:a"))
out["missing"] = c.get("p:none")
out["added"] = [c.add("p:new", "x"), c.add("p:new", "y")]
out["replaced"] = [c.replace("p:new", "z"), c.replace("p:never", "z")]
c.append("p:a", ">"); c.prepend("p:a", "<")
out["joined"] = text(c.get("p:a"))
c.set("p:n", "10")
out["counted"] = [c.incr("p:n", 1), c.decr("p:n", 2)]
c.set_many({"many:%d" % i: str(i) for i in range(1, 61)})
many = c.get_many(["many:%d" % i for i in range(1, 100)])
out["many"] = {k: text(many[k]) for k in ["many:1", "many:2", "many:3", "many:30"]}
out["manyCount"] = len(many)
c.set("p:big", "b" * 300000)
out["bigLength"] = len(c.get("p:big"))
out["touched"] = c.touch("p:a", 100)
out["deleted"] = [c.delete("p:a"), c.get("p:a")]
c.set("p:cas", "first")
_, cas = c.gets("p:cas")
c.cas("p:cas", "second", cas)
out["cas"] = [text(c.get("p:cas")), c.cas("p:cas", "third", cas)]
c.set("p:bin", bytes([0, 1, 255, 13, 10, 32]))
out["binary"] = c.get("p:bin").hex()
quiet = Client(("127.0.0.1", int(sys.argv[1])), timeout=5)
for i in range(50): quiet.set("p:q", str(i))
assert quiet.get("p:q") == b"49" and quiet.version().startswith(b"1.6.18") and quiet.stats()
print(json.dumps(out))`;

/** @param isBinary Over the binary protocol. */
export const pylibmc = (isBinary: boolean): string => `
import json, sys, pylibmc
c = pylibmc.Client(["127.0.0.1:" + sys.argv[1]], binary=${isBinary ? "True" : "False"}, behaviors={"cas": True, "tcp_nodelay": True, "receive_timeout": 5000000})
out = {}
PREFIX = "${isBinary ? "lb" : "l"}"
out["set"] = c.set(PREFIX + ":a", "value")
out["get"] = c.get(PREFIX + ":a")
out["missing"] = c.get(PREFIX + ":none")
out["added"] = [c.add(PREFIX + ":new", "x"), c.add(PREFIX + ":new", "y")]
def replace(key):
    try: return c.replace(key, "z")
    except pylibmc.NotFound: return False
out["replaced"] = [replace(PREFIX + ":new"), replace(PREFIX + ":never")]
c.append(PREFIX + ":a", ">"); c.prepend(PREFIX + ":a", "<")
out["joined"] = c.get(PREFIX + ":a")
c.set(PREFIX + ":n", 10)
out["counted"] = [c.incr(PREFIX + ":n", 1), c.decr(PREFIX + ":n", 2)]
assert c.set_multi({"many:%d" % i: str(i) for i in range(1, 61)}) == []
many = c.get_multi(["many:%d" % i for i in range(1, 100)])
out["many"] = {k: many[k] for k in ["many:1", "many:2", "many:3", "many:30"]}
out["manyCount"] = len(many)
c.set(PREFIX + ":big", "b" * 300000)
out["bigLength"] = len(c.get(PREFIX + ":big"))
out["touched"] = c.touch(PREFIX + ":n", 100)
out["deleted"] = [c.delete(PREFIX + ":a"), c.get(PREFIX + ":a")]
c.set(PREFIX + ":cas", "first")
_, cas = c.gets(PREFIX + ":cas")
c.cas(PREFIX + ":cas", "second", cas)
def swap():
    try: return c.cas(PREFIX + ":cas", "third", cas)
    except pylibmc.NotFound: return False
out["cas"] = [c.get(PREFIX + ":cas"), swap()]
c.set(PREFIX + ":bin", bytes([0, 1, 255, 13, 10, 32]))
out["binary"] = c.get(PREFIX + ":bin").hex()
assert c.get_stats()
print(json.dumps(out))`;

/** @param isBinary Over the binary protocol. */
export const phpMemcached = (isBinary: boolean): string => `
$c = new Memcached();
$c->setOption(Memcached::OPT_BINARY_PROTOCOL, ${isBinary ? "true" : "false"});
$c->setOption(Memcached::OPT_COMPRESSION, false);
$c->addServer("127.0.0.1", (int) $argv[1]);
$out = [];
$prefix = "${isBinary ? "hb" : "h"}";
$out["set"] = $c->set($prefix . ":a", "value");
$out["get"] = $c->get($prefix . ":a");
$out["missing"] = $c->get($prefix . ":none") === false && $c->getResultCode() === Memcached::RES_NOTFOUND ? null : "found";
$out["added"] = [$c->add($prefix . ":new", "x"), $c->add($prefix . ":new", "y")];
$out["replaced"] = [$c->replace($prefix . ":new", "z"), $c->replace($prefix . ":never", "z")];
$c->append($prefix . ":a", ">"); $c->prepend($prefix . ":a", "<");
$out["joined"] = $c->get($prefix . ":a");
$c->set($prefix . ":n", 10);
$out["counted"] = [$c->increment($prefix . ":n", 1), $c->decrement($prefix . ":n", 2)];
$items = [];
foreach (range(1, 60) as $i) $items["many:$i"] = (string) $i;
$c->setMulti($items);
$many = $c->getMulti(array_map(fn ($i) => "many:$i", range(1, 99)));
$out["many"] = array_intersect_key($many, array_flip(["many:1", "many:2", "many:3", "many:30"]));
$out["manyCount"] = count($many);
$c->set($prefix . ":big", str_repeat("b", 300000));
$out["bigLength"] = strlen($c->get($prefix . ":big"));
$out["touched"] = $c->touch($prefix . ":n", 100);
$out["deleted"] = [$c->delete($prefix . ":a"), $c->get($prefix . ":a") === false ? null : "found"];
$c->set($prefix . ":cas", "first");
$cas = $c->get($prefix . ":cas", null, Memcached::GET_EXTENDED)["cas"];
$c->cas($cas, $prefix . ":cas", "second");
$out["cas"] = [$c->get($prefix . ":cas"), $c->cas($cas, $prefix . ":cas", "third")];
$c->set($prefix . ":bin", "\\x00\\x01\\xff\\r\\n ");
$out["binary"] = bin2hex($c->get($prefix . ":bin"));
if (!$c->getStats() || !$c->getVersion()) throw new Exception("stats or version");
echo json_encode($out);`;
