import { createServer, type IncomingMessage, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { startServer } from "@kagami/ranking/testing";
import { RedisStore } from "connect-redis";
import session, { type SessionData } from "express-session";
import { createClient } from "redis";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";

const LIFE_SECONDS = 600;

let server: Awaited<ReturnType<typeof startServer>>;
let client: ReturnType<typeof createClient>;
let store: RedisStore;
let site: Server;
let url: string;

beforeAll(async () => {
  server = await startServer();
  client = createClient({ url: `redis://${server.address}` });
  await client.connect();
});
afterAll(async () => {
  client?.destroy();
  await server.close(0);
});
beforeEach(async () => {
  await client.flushAll();
  store = new RedisStore({ client, prefix: "visit:", ttl: LIFE_SECONDS });
  site = startSite(store);
  await new Promise<void>((resolve) => site.listen(0, "127.0.0.1", resolve));
  url = `http://127.0.0.1:${(site.address() as AddressInfo).port}`;
});
afterEach(async () => {
  site.closeAllConnections();
  await new Promise((resolve) => site.close(resolve));
});

/** Counts the visits to `/`, only looks at `/look`, and forgets the visitor at `/leave`. */
function startSite(sessions: RedisStore): Server {
  const visit = session({ store: sessions, secret: "of the tests", resave: false, saveUninitialized: false });
  return createServer((request, response) => {
    const visitor = request as IncomingMessage & Parameters<typeof visit>[0];
    visit(visitor, response, () => {
      const { session: found } = visitor;
      if (request.url === "/leave") return found.destroy(() => response.end("left"));
      if (request.url === "/") found.visits = (found.visits ?? 0) + 1;
      response.end(`${found.visits ?? 0}`);
    });
  });
}

async function ask(path: string, cookie = ""): Promise<{ readonly text: string; readonly cookie: string }> {
  const response = await fetch(`${url}${path}`, { headers: { cookie } });
  const given = response.headers.get("set-cookie")?.split(";")[0];
  return { text: await response.text(), cookie: given ?? cookie };
}

describe("express-session with connect-redis", () => {
  test("keeps each visitor's session", async () => {
    const ann = await ask("/");
    const bob = await ask("/");
    expect((await ask("/", ann.cookie)).text).toBe("2");
    expect((await ask("/", ann.cookie)).text).toBe("3");
    expect((await ask("/", bob.cookie)).text).toBe("2");
    expect(await store.length()).toBe(2);
    expect(await client.keys("visit:*")).toHaveLength(2);
  });

  test("lets a session live on when it is used, though nothing in it changes", async () => {
    const { cookie } = await ask("/");
    const [key] = (await client.keys("visit:*")) as [string];
    expect(await client.ttl(key)).toBe(LIFE_SECONDS);
    await client.expire(key, 10);
    expect((await ask("/look", cookie)).text).toBe("1");
    expect(await client.ttl(key)).toBe(LIFE_SECONDS);
  });

  test("starts anew when a session has expired", async () => {
    const { cookie } = await ask("/");
    const [key] = (await client.keys("visit:*")) as [string];
    await client.pExpireAt(key, 1);
    expect((await ask("/", cookie)).text).toBe("1");
  });

  test("destroys a session", async () => {
    const { cookie } = await ask("/");
    expect((await ask("/leave", cookie)).text).toBe("left");
    expect(await store.length()).toBe(0);
    expect((await ask("/look", cookie)).text).toBe("0");
  });

  test("lists and clears hundreds of sessions", async () => {
    const data = { cookie: { originalMaxAge: null }, visits: 7 } satisfies SessionData;
    const ids = Array.from({ length: 500 }, (_, i) => `id-${i}`);
    await Promise.all(ids.map((id) => store.set(id, data as never)));
    expect((await store.ids()).sort()).toEqual([...ids].sort());
    expect(await store.all()).toHaveLength(500);
    await store.clear();
    expect(await client.dbSize()).toBe(0);
  });
});
