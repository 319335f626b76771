import { expect, test } from "vitest";
import type { ShardStore } from "../../src/storage/shard-store.ts";
import { RawClient } from "../support/raw-client.ts";
import { startTestServer } from "../support/start-server.ts";

test("when a write of the index fails, metrics, readiness and the admin API say so, and reads go on", async () => {
  const server = await startTestServer({ maintenanceBytesPerSecond: 2 << 20 });
  const ask = async (path: string) => {
    const answer = await fetch(`${server.adminUrl}${path}`);
    return { status: answer.status, text: await answer.text() };
  };
  const client = new RawClient(server.host);
  await client.send({ method: "PUT", path: "/media" });
  await client.send({ method: "PUT", path: "/media/k", body: "kept" });
  expect((await ask("/readyz")).status).toBe(200);
  expect((await ask("/metrics")).text).toContain("kagami_objects_writes_refused 0\n");
  expect(JSON.parse((await ask("/api/maintenance")).text)).toMatchObject({
    bytesPerSecond: 2 << 20,
    writesRefusedBecause: null,
  });

  const { index } = (server.service.store as ShardStore).state;
  const write = index.write.bind(index);
  index.write = async () => {
    throw new Error("IO error: No such device");
  };
  expect((await client.send({ method: "PUT", path: "/media/lost", body: "x" })).status).toBe(500);
  index.write = write;

  const ready = await ask("/readyz");
  expect(ready.status).toBe(503);
  expect(JSON.parse(ready.text).problems.store).toMatch(/writes are refused .* No such device\. Look at the disk/);
  expect((await ask("/metrics")).text).toContain("kagami_objects_writes_refused 1\n");
  const { writesRefusedBecause } = JSON.parse((await ask("/api/maintenance")).text);
  expect(writesRefusedBecause).toContain("No such device");
  expect((await client.send({ method: "PUT", path: "/media/k2", body: "x" })).status).toBe(500);
  expect((await client.send({ path: "/media/k" })).text).toBe("kept");
  await server.end();
});
