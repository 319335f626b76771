import { expect, test } from "vitest";
import { EngineDriver } from "../support/engine-driver.ts";

test("nothing is left of thousands of sessions that are gone", () => {
  const driver = new EngineDriver();
  const { engine } = driver;
  for (let i = 0; i < 3_000; i++) {
    const made = driver.connect();
    driver.as(made, "WATCH", `w${i % 7}`, `w${i}`);
    driver.as(made, "SUBSCRIBE", `c${i % 5}`, `c${i}`);
    driver.as(made, "PSUBSCRIBE", `p${i}*`);
    driver.as(made, "SSUBSCRIBE", `s${i % 3}`);
    if (i % 2 === 0) {
      made.session.resp = 3;
      driver.as(made, "BLPOP", `k${i % 11}`, `k${i}`, String(i % 4));
      expect(made.session.isBlocked).toBe(true);
    } else {
      made.session.resp = 3;
      driver.as(made, "MULTI");
      driver.as(made, "SET", "k", "v");
    }
    engine.disconnect(made.session);
    expect(made.session.queue).toHaveLength(0);
  }
  expect(engine.watches.size).toBe(0);
  expect(engine.pubsub.sessionCount).toBe(0);
  for (const kind of ["channel", "pattern", "shard"] as const) expect(engine.pubsub.of(kind).size).toBe(0);
  expect([engine.blocked.count, engine.blocked.keyCount]).toEqual([0, 0]);
  expect(engine.nextDeadlineMs).toBe(Number.POSITIVE_INFINITY);
  expect(engine.sessions.count).toBe(1);
  driver.do("RPUSH", "k1", "v");
  expect(driver.do("LLEN", "k1")).toBe(":1\r\n");
});

test("RESET makes a session new again", () => {
  const driver = new EngineDriver();
  driver.do("SELECT", "3");
  driver.do("WATCH", "k");
  driver.do("MULTI");
  driver.do("SUBSCRIBE", "c");
  driver.do("EXEC");
  expect(driver.do("RESET")).toBe("+RESET\r\n");
  const { session } = driver.main;
  expect([session.database, session.resp, session.subscriptionCount, session.isQueueing]).toEqual([0, 2, 0, false]);
  expect(driver.do("QUIT")).toBe("+OK\r\n");
  expect(session.isClosing).toBe(true);
});
