import { randomBytes } from "node:crypto";
import { runTool, withTempDir } from "@kagami/testkit";
import { expect, test } from "vitest";
import { RawClient } from "../support/raw-client.ts";
import { startTestServer } from "../support/start-server.ts";

const MIB = 1_048_576;
/** The reserve that is kept free for deletes, what is taken in advance, and room for some objects. */
const DISK_MIB = 240;

/** A disk of its own, or nothing where mounting is not allowed. */
async function withSmallDisk(run: (directory: string) => Promise<void>): Promise<boolean> {
  let isMounted = false;
  await withTempDir(async (directory) => {
    const mount = ["-t", "tmpfs", "-o", `size=${DISK_MIB}m`, "tmpfs", directory];
    isMounted = (await runTool("mount", mount, { debianPackage: "mount" })).exitCode === 0;
    if (!isMounted) return;
    try {
      await run(directory);
    } finally {
      await runTool("umount", ["--lazy", directory], { debianPackage: "mount" });
    }
  });
  return isMounted;
}

test("a disk that fills up refuses writes by name, keeps what it has, and takes writes again when there is room", {
  timeout: 60_000,
}, async ({ skip }) => {
  const isMounted = await withSmallDisk(async (data) => {
    const server = await startTestServer({ data });
    const client = new RawClient(server.host);
    await client.send({ method: "PUT", path: "/full" });
    const body = randomBytes(10 * MIB);
    const stored: string[] = [];
    let refused = await client.send({ method: "PUT", path: "/full/0", body });
    while (refused.status === 200 && stored.length < DISK_MIB / 10) {
      stored.push(`/full/${stored.length}`);
      refused = await client.send({ method: "PUT", path: `/full/${stored.length}`, body });
    }
    expect([refused.status, refused.code, refused.headers["retry-after"]]).toEqual([503, "SlowDown", "60"]);
    expect(refused.text).toContain("disk is full; reads and deletes go on");
    expect(stored.length).toBeGreaterThan(2);
    const logged = server.logLines.map((line) => JSON.parse(line)).find(({ event }) => event === "request.failed");
    expect(logged).toMatchObject({ bucket: "full", object: String(stored.length), error: { code: "DISK_FULL" } });
    for (const path of stored) expect((await client.send({ path })).body.equals(body)).toBe(true);
    expect((await client.send({ path: `/full/${stored.length}` })).code).toBe("NoSuchKey");
    for (const path of stored.splice(0, 2)) expect((await client.send({ method: "DELETE", path })).status).toBe(204);
    expect((await client.send({ method: "PUT", path: "/full/again", body })).status).toBe(200);
    await server.end();
    const later = await startTestServer({ data });
    const again = new RawClient(later.host);
    for (const path of [...stored, "/full/again"]) expect((await again.send({ path })).body.equals(body)).toBe(true);
    await later.end();
  });
  if (!isMounted) skip("mounting a small disk is not allowed here");
});
