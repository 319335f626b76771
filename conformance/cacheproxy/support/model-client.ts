import { createRandom, type Random } from "@kagami/clock";

interface Item {
  readonly flags: number;
  readonly value: string;
}

/** What a client sends, and all it must be told. */
export interface Script {
  readonly send: string;
  readonly reply: string;
}

/**
 * The requests of one client and memcached's replies to them by a model: the client's keys are its own, and its values
 * begin with its name, so whatever another is told by mistake is found out.
 */
export function modelScript(name: string, seed: number, requestCount: number): Script {
  const random = createRandom(seed).fork(name);
  const items = new Map<string, Item>();
  let send = "";
  let reply = "";
  for (let i = 0; i < requestCount; i++) {
    const step = nextStep(name, items, random, i);
    send += step.send;
    reply += step.reply;
  }
  return { send, reply };
}

function nextStep(name: string, items: Map<string, Item>, random: Random, number: number): Script {
  const keys = Array.from({ length: 12 }, (_, i) => `${name}:${i}`);
  const key = random.pick(keys);
  const item = items.get(key);
  switch (random.int(0, 9)) {
    case 0:
    case 1:
      return store(items, random, key, `${name}#${number}#`.padEnd(random.pick([0, 30, 400, 5_000]), "x"));
    case 2:
    case 3:
      return getMany(
        items,
        Array.from({ length: random.int(1, 12) }, () => random.pick(keys)),
      );
    case 4:
      items.delete(key);
      return { send: `delete ${key}\r\n`, reply: item ? "DELETED\r\n" : "NOT_FOUND\r\n" };
    case 5:
      return metaGet(item, key, number, random.chance(0.5));
    case 6:
      return joinTo(items, random, key, item);
    case 7:
      return metaSet(items, random, key, `${name}~${number}`, number);
    case 8: {
      const refused = `set ${key} x 0 1\r\n`;
      return { send: `${refused}mn\r\n`, reply: "CLIENT_ERROR bad command line format\r\nMN\r\n" };
    }
    default:
      return counter(items, `${name}:n`, random);
  }
}

function store(items: Map<string, Item>, random: Random, key: string, value: string): Script {
  const verb = random.pick(["set", "set", "add", "replace"]);
  const isStored = verb === "set" || (verb === "add") === !items.has(key);
  const flags = random.int(0, 65_535);
  if (isStored) items.set(key, { flags, value });
  const isQuiet = random.chance(0.2);
  const reply = isQuiet ? "" : isStored ? "STORED\r\n" : "NOT_STORED\r\n";
  return { send: `${verb} ${key} ${flags} 0 ${value.length}${isQuiet ? " noreply" : ""}\r\n${value}\r\n`, reply };
}

function getMany(items: ReadonlyMap<string, Item>, keys: readonly string[]): Script {
  const found = keys.map((key) => {
    const item = items.get(key);
    return item ? `VALUE ${key} ${item.flags} ${item.value.length}\r\n${item.value}\r\n` : "";
  });
  return { send: `get ${keys.join(" ")}\r\n`, reply: `${found.join("")}END\r\n` };
}

function metaGet(item: Item | undefined, key: string, number: number, isQuiet: boolean): Script {
  const send = `mg ${key} f v O${number}${isQuiet ? " q" : ""}\r\n`;
  if (!item) return { send, reply: isQuiet ? "" : `EN O${number}\r\n` };
  return { send, reply: `VA ${item.value.length} f${item.flags} O${number}\r\n${item.value}\r\n` };
}

function joinTo(items: Map<string, Item>, random: Random, key: string, item: Item | undefined): Script {
  const verb = random.pick(["append", "prepend"]);
  if (item) items.set(key, { ...item, value: verb === "append" ? `${item.value}<` : `>${item.value}` });
  const data = verb === "append" ? "<" : ">";
  return { send: `${verb} ${key} 0 0 1\r\n${data}\r\n`, reply: item ? "STORED\r\n" : "NOT_STORED\r\n" };
}

function metaSet(items: Map<string, Item>, random: Random, key: string, value: string, number: number): Script {
  const flags = random.int(0, 99);
  items.set(key, { flags, value });
  const isQuiet = random.chance(0.5);
  const send = `ms ${key} ${value.length} F${flags} O${number}${isQuiet ? " q" : ""}\r\n${value}\r\n`;
  return { send, reply: isQuiet ? "" : `HD O${number}\r\n` };
}

function counter(items: Map<string, Item>, key: string, random: Random): Script {
  const item = items.get(key);
  const delta = random.int(1, 1_000);
  if (!item) {
    items.set(key, { flags: 0, value: "5" });
    return { send: `set ${key} 0 0 1\r\n5\r\n`, reply: "STORED\r\n" };
  }
  const value = String(Number(item.value) + delta);
  items.set(key, { ...item, value });
  return { send: `incr ${key} ${delta}\r\n`, reply: `${value}\r\n` };
}
