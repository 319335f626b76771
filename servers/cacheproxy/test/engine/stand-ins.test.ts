import { expect, test } from "vitest";
import type { Exchange, MetaReply, MetaRequest } from "../../src/engine/meta.ts";
import type { PoolPolicy } from "../../src/engine/pool-policy.ts";
import { HandProxy } from "../support/hand-proxy.ts";

const bytesOf = (text: string): Uint8Array => Uint8Array.from(text, (character) => character.charCodeAt(0));
const latin1 = new TextDecoder("latin1");
const lines = (key: string, value: string): string => `VALUE ${key} 0 ${value.length}\r\n${value}\r\n`;

/** A policy by which a value "@" stands for another one, and what it was asked to run. */
function standInPolicy() {
  const running: { readonly request: MetaRequest; readonly exchange: Exchange; done(reply: MetaReply): void }[] = [];
  const policy: PoolPolicy = {
    direct: () => 0,
    mustWait: () => false,
    isStandIn: (value, start, end) => end - start === 1 && value[start] === 64,
    run: (request, exchange, done) => void running.push({ request, exchange, done }),
  };
  const proxy = new HandProxy(policy);
  /** Ends what was asked first. */
  const finish = (value: string): string => {
    const { request, done } = running.shift() ?? {};
    done?.({ code: "VA", flags: ["f0"], value: bytesOf(value) });
    return request ? `${request.verb} ${latin1.decode(request.key)} ${request.flags.join(" ")}` : "";
  };
  return { proxy, running, finish };
}

test("values that are the clients' own take the fast path, merged with others", () => {
  const { proxy, running } = standInPolicy();
  const client = proxy.addClient();
  client.send("set a 0 0 1\r\nx\r\nget a\r\nget b c\r\n");
  expect(proxy.takeSent()).toBe("set a 0 0 1\r\nx\r\nget a b c\r\n");
  proxy.answer(`STORED\r\n${lines("a", "x")}${lines("c", "y")}END\r\n`);
  expect(client.told()).toBe(`STORED\r\n${lines("a", "x")}END\r\n${lines("c", "y")}END\r\n`);
  expect(running).toEqual([]);
});

test("what is found behind a stand-in comes in its turn, alone, merged, and among many keys", () => {
  for (const sent of [["get a\r\nset k 0 0 1\r\nx\r\nget b\r\n"], ["get a\r\nget b\r\n"], ["get a b\r\n"]]) {
    const { proxy, finish } = standInPolicy();
    const client = proxy.addClient();
    client.send(sent.join(""));
    const isOne = sent[0] === "get a b\r\n";
    const isApart = sent[0]?.includes("set") === true;
    proxy.takeSent();
    const stored = isApart ? "STORED\r\n" : "";
    const answered = isApart ? `END\r\n${stored}` : "";
    proxy.answer(`${lines("a", "@")}${answered}${lines("b", "own")}END\r\n`);
    // The second key's value waits for the first one's.
    expect(client.told()).toBe("");
    expect(finish("behind")).toBe("mg a f v");
    const between = isOne ? "" : `END\r\n${stored}`;
    expect(client.told()).toBe(`${lines("a", "behind")}${between}${lines("b", "own")}END\r\n`);
    expect(proxy.path.buffers.lentBytes).toBe(0);
  }
});

test.each([
  { request: "mg a v\r\n", why: "its reply has no place for a value of another size" },
  { request: "gat 0 a\r\n", why: "what is behind has an exptime of its own" },
  { request: "append a 0 0 1\r\nx\r\n", why: "it would be put behind the stand-in" },
  { request: "ms a 1\r\nx\r\n", why: "it may be an append" },
])("$request is not passed on as it is: $why", ({ request }) => {
  const { proxy, running } = standInPolicy();
  proxy.addClient().send(request);
  expect(proxy.takeSent()).toBe("");
  expect(running).toHaveLength(1);
});

test("what is behind a stand-in is asked for by the cluster state that the read was sent by", () => {
  const { proxy, running } = standInPolicy();
  const client = proxy.addClient();
  client.send("get a\r\n");
  proxy.takeSent();
  const { cluster, exchange } = proxy.path;
  if (cluster) proxy.path.apply({ ...cluster, epoch: 2 });
  expect(proxy.path.exchange).not.toBe(exchange);
  proxy.answer(`${lines("a", "@")}END\r\n`);
  expect(running[0]?.exchange).toBe(exchange);
});

test("a client that has gone when the value behind is found leaves nothing", () => {
  const { proxy, finish } = standInPolicy();
  const client = proxy.addClient();
  client.send("get a\r\n");
  proxy.takeSent();
  proxy.answer(`${lines("a", "@")}END\r\n`);
  client.close();
  finish("behind");
  expect(client.told()).toBe("");
  expect(proxy.path.buffers.lentBytes).toBe(0);
});
