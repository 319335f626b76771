import fc from "fast-check";
import { expect, test } from "vitest";
import { HandProxy } from "../support/hand-proxy.ts";

const valueLines = (key: string): string => `VALUE ${key} 0 ${key.length}\r\n${key}\r\n`;

test("gets that wait for the same server leave as one get, whoever asked, and each is told its own", () => {
  const proxy = new HandProxy();
  proxy.learnSmallValues();
  const [first, second, third] = [proxy.addClient(), proxy.addClient(), proxy.addClient()];
  first.send("get a\r\n");
  second.send("get b c\r\nget d\r\n");
  third.send("get e\r\n");
  expect(proxy.takeSent()).toBe("get a b c d e\r\n");
  proxy.answer(`${["a", "c", "d"].map(valueLines).join("")}END\r\n`);
  expect(first.told()).toBe(`${valueLines("a")}END\r\n`);
  expect(second.told()).toBe(`${valueLines("c")}END\r\n${valueLines("d")}END\r\n`);
  expect(third.told()).toBe("END\r\n");
});

test.each([
  { send: "get a\r\nget a\r\n", sent: "get a\r\nget a\r\n", why: "of two equal keys one value would be nobody's" },
  { send: "get a b a\r\n", sent: "get a b\r\nget a\r\n", why: "the same within one client's get" },
  { send: "get a\r\ngets b\r\n", sent: "get a\r\ngets b\r\n", why: "only one of them wants a cas number" },
  { send: "gets a\r\ngets b\r\n", sent: "gets a b\r\n", why: "both want a cas number" },
  {
    send: "get a\r\nset a 0 0 1\r\nx\r\nget b\r\n",
    sent: "get a\r\nset a 0 0 1\r\nx\r\nget b\r\n",
    why: "order stays",
  },
  { send: "get a\r\nmg b v\r\nget c\r\n", sent: "get a\r\nmg b v\r\nget c\r\n", why: "a meta get has its own reply" },
  { send: "gat 0 a\r\ngat 0 b\r\n", sent: "gat 0 a\r\ngat 0 b\r\n", why: "each may have another exptime" },
  { send: "get a\r\nversion\r\nget b\r\n", sent: "get a b\r\n", why: "what asks no server is not in the way" },
])("$send: $why", ({ send, sent }) => {
  const proxy = new HandProxy();
  proxy.addClient().send(send);
  expect(proxy.takeSent()).toBe(sent);
});

test.each([
  { reply: "END\r\n", told: ["END\r\n", "END\r\n", "END\r\n"], why: "nothing is there" },
  {
    reply: `${valueLines("b")}END\r\n`,
    told: ["END\r\n", `${valueLines("b")}END\r\n`, "END\r\n"],
    why: "one in the middle",
  },
  {
    reply: `${valueLines("c")}END\r\n`,
    told: ["END\r\n", "END\r\n", `${valueLines("c")}END\r\n`],
    why: "the last one",
  },
  {
    reply: `${valueLines("a")}SERVER_ERROR out of memory writing get response\r\n`,
    told: [
      `${valueLines("a")}END\r\n`,
      "SERVER_ERROR out of memory writing get response\r\n",
      "SERVER_ERROR out of memory writing get response\r\n",
    ],
    why: "an error in the middle is told to all that have nothing yet",
  },
  {
    reply: `${["a", "b", "c"].map(valueLines).join("")}SERVER_ERROR late\r\n`,
    told: ["a", "b", "c"].map((key) => `${valueLines(key)}END\r\n`),
    why: "an error behind all values concerns nobody",
  },
])("of three clients' keys: $why", ({ reply, told }) => {
  // Cut in two at every byte.
  for (let cut = 0; cut <= reply.length; cut++) {
    const proxy = new HandProxy();
    const clients = ["a", "b", "c"].map((key) => {
      const client = proxy.addClient();
      client.send(`get ${key}\r\n`);
      return client;
    });
    proxy.takeSent();
    proxy.answer(reply.slice(0, cut));
    proxy.answer(reply.slice(cut));
    expect(clients.map((client) => client.told())).toEqual(told);
    clients[0]?.send("get next\r\n");
    expect(proxy.takeSent()).toBe("get next\r\n");
    proxy.answer("END\r\n");
    expect(clients[0]?.told()).toBe("END\r\n");
  }
});

test("a client that has gone leaves the others' replies as they are", () => {
  for (const gone of [0, 1, 2]) {
    const proxy = new HandProxy();
    const clients = ["a", "b", "c"].map((key) => {
      const client = proxy.addClient();
      client.send(`get ${key}\r\n`);
      return client;
    });
    proxy.takeSent();
    clients[gone]?.close();
    proxy.answer(`${["a", "b", "c"].map(valueLines).join("")}END\r\n`);
    const told = ["a", "b", "c"].map((key, i) => (i === gone ? "" : `${valueLines(key)}END\r\n`));
    expect(clients.map((client) => client.told())).toEqual(told);
    expect(proxy.path.buffers.lentBytes).toBe(0);
  }
});

test("a connection that is lost inside a reply fails the keys that have no answer yet", () => {
  const proxy = new HandProxy();
  const [first, second] = [proxy.addClient(), proxy.addClient()];
  first.send("get a\r\n");
  second.send("get b\r\nget c d\r\n");
  proxy.takeSent();
  proxy.answer(`${valueLines("a")}VALUE b 0 1\r\n`);
  proxy.cut();
  expect(first.told()).toBe(`${valueLines("a")}END\r\n`);
  const lost = "SERVER_ERROR connection to server was lost\r\n";
  expect(second.told()).toBe(lost + lost);
});

test("a server that answers out of order loses its connection once, and is then asked for one key at a time", () => {
  const proxy = new HandProxy();
  const client = proxy.addClient();
  client.send("get a\r\nget b\r\nset k 0 0 1\r\nx\r\n");
  proxy.takeSent();
  proxy.answer(`${valueLines("b")}${valueLines("a")}END\r\nSTORED\r\n`);
  expect(client.told()).toBe(`END\r\n${valueLines("b")}END\r\nSERVER_ERROR connection to server was lost\r\n`);
  proxy.reconnect();
  client.send("get a\r\nget b\r\n");
  expect(proxy.takeSent()).toBe("get a\r\nget b\r\n");
});

test("a line stays below what memcached reads at once, and every key is in one", () => {
  const proxy = new HandProxy();
  proxy.learnSmallValues();
  const keys = Array.from({ length: 40 }, (_, i) => `${i}`.padStart(250, "k"));
  for (let i = 0; i < keys.length; i += 10) proxy.addClient().send(`get ${keys.slice(i, i + 10).join(" ")}\r\n`);
  const lines = proxy.takeSent().split("\r\n").slice(0, -1);
  expect(Math.max(...lines.map(({ length }) => length))).toBeLessThan(2_048);
  expect(lines.length).toBeLessThan(10);
  expect(lines.flatMap((line) => line.split(" ").slice(1))).toEqual(keys);
});

test("where values are large a get has few keys, so that a server holds little for it", () => {
  const proxy = new HandProxy();
  proxy.learnSmallValues();
  const client = proxy.addClient();
  const value = "v".repeat(30_000);
  client.send("get big\r\n");
  proxy.takeSent();
  proxy.answer(`VALUE big 0 ${value.length}\r\n${value}\r\nEND\r\n`);
  // A get that is alone teaches nothing; the first that is merged does.
  client.send("get big\r\nget b\r\n");
  proxy.takeSent();
  proxy.answer(`VALUE big 0 ${value.length}\r\n${value}\r\nEND\r\n`);
  client.send("get a\r\nget b\r\nget c\r\nget d\r\nget e\r\nget f\r\n");
  expect(proxy.takeSent()).toBe("get a b c\r\nget d e f\r\n");
});

test("a get that failed with its connection leaves nothing behind for the next one", () => {
  const proxy = new HandProxy();
  const client = proxy.addClient();
  client.send("get a\r\nget b\r\n");
  proxy.cut();
  expect(client.told()).toBe("SERVER_ERROR connection to server was lost\r\n".repeat(2));
  proxy.reconnect();
  client.send("get c\r\nget d\r\n");
  expect(proxy.takeSent()).toBe("get c d\r\n");
  proxy.answer(`${valueLines("d")}END\r\n`);
  expect(client.told()).toBe(`END\r\n${valueLines("d")}END\r\n`);
});

test("whatever is asked, by whom, and however the reply is cut, everybody is told his own", () => {
  const key = fc.constantFrom(..."abcdefghijklmnop");
  const request = fc.record({
    client: fc.nat(3),
    verb: fc.constantFrom("get", "get", "get", "gets", "set"),
    keys: fc.array(key, { minLength: 1, maxLength: 4 }),
  });
  const turns = fc.array(fc.array(request, { minLength: 1, maxLength: 12 }), { minLength: 1, maxLength: 4 });
  fc.assert(
    fc.property(turns, fc.infiniteStream(fc.integer({ min: 1, max: 40 })), (all, sizes) => {
      const proxy = new HandProxy();
      const clients = Array.from({ length: 4 }, () => proxy.addClient());
      const expected = clients.map(() => "");
      for (const requests of all) {
        for (const { client, verb, keys } of requests) {
          const isSet = verb === "set";
          clients[client]?.send(isSet ? `set ${keys[0]} 0 0 1\r\nx\r\n` : `${verb} ${keys.join(" ")}\r\n`);
          expected[client] += isSet ? "STORED\r\n" : answerOf(verb, keys);
        }
        // A client that has asked for very much is read further when it has got some of it.
        for (let sent = proxy.takeSent(); sent !== ""; sent = proxy.takeSent()) {
          const reply = answersTo(sent);
          for (let at = 0; at < reply.length; ) {
            const size = sizes.next().value;
            proxy.answer(reply.slice(at, at + size));
            at += size;
          }
        }
      }
      expect(clients.map((client) => client.told())).toEqual(expected);
      expect(proxy.path.buffers.lentBytes).toBe(0);
    }),
  );
});

/** What a server says to what it was sent. */
function answersTo(sent: string): string {
  return sent.replace(/(gets?) ([^\r]*)\r\n|set [^\r]*\r\nx\r\n/g, (_, verb, keys) =>
    verb === undefined ? "STORED\r\n" : answerOf(verb as string, (keys as string).split(" ")),
  );
}

/** The server has no vowels. */
function answerOf(verb: string, keys: readonly string[]): string {
  const cas = verb === "gets" ? " 7" : "";
  const found = keys.filter((key) => !"aeio".includes(key));
  const values = found.map(
    (key) => `VALUE ${key} 0 ${key.charCodeAt(0)}${cas}\r\n${key.repeat(key.charCodeAt(0))}\r\n`,
  );
  return `${values.join("")}END\r\n`;
}
