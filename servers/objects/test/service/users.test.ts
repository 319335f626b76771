import { readFile, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { withTempDir } from "@kagami/testkit";
import { expect, test } from "vitest";
import { FULL_ACCESS_POLICY } from "../../src/service/user-rights.ts";
import { Users } from "../../src/service/users.ts";

const nowMs = () => 1_000;

function open(directory: string, key = { accessKey: "", secretKey: "" }) {
  return Users.open({ directory, nowMs, ...key });
}

test("the first start makes a user with a key that is told once, in a file for the owner's eyes", async () => {
  await withTempDir(async (directory) => {
    const { users, generated } = await open(directory);
    expect(generated?.secretKey).toMatch(/^.{40}$/);
    expect(users.find(generated?.accessKey ?? "")?.user.mayEverything).toBe(true);
    expect((await stat(join(directory, "users.json"))).mode & 0o777).toBe(0o600);
    const again = await open(directory);
    expect(again.generated).toBeUndefined();
    expect(again.users.find(generated?.accessKey ?? "")?.secretKey).toBe(generated?.secretKey);
  });
});

test("two installations have no key in common", async () => {
  await withTempDir(async (a) => {
    await withTempDir(async (b) => {
      const [first, second] = [await open(a), await open(b)];
      expect(first.generated).not.toEqual(second.generated);
    });
  });
});

test("a key of the settings is in force, is never written, and cannot be changed elsewhere", async () => {
  await withTempDir(async (directory) => {
    const key = { accessKey: "GIVEN", secretKey: "given-secret" };
    const { users, generated } = await open(directory, key);
    expect(generated).toBeUndefined();
    expect(users.find("GIVEN")?.user.name).toBe("admin");
    expect(await readFile(join(directory, "users.json"), "utf8")).not.toContain("given-secret");
    await expect(users.removeKey("admin", "GIVEN")).rejects.toMatchObject({ code: "KEY_FIXED" });
    await expect(users.remove("admin")).rejects.toMatchObject({ code: "KEY_FIXED" });
  });
});

test.each([
  { accessKey: "ONLY", secretKey: "", why: "no secret" },
  { accessKey: "", secretKey: "long-enough-secret", why: "no key" },
  { accessKey: "SHORT", secretKey: "short", why: "a secret that can be guessed" },
  { accessKey: "with space", secretKey: "long-enough-secret", why: "a key that cannot be in a header" },
])("the server does not start with $why", async ({ accessKey, secretKey }) => {
  await withTempDir(async (directory) => {
    await expect(open(directory, { accessKey, secretKey })).rejects.toMatchObject({ code: "USERS_INVALID" });
  });
});

test("changes are in force when they are written, survive a restart, and are made one after another", async () => {
  await withTempDir(async (directory) => {
    const { users } = await open(directory);
    const before = users.generation;
    await Promise.all(["a", "b", "c"].map((name) => users.create(name, {})));
    expect(users.generation).toBe(before + 3);
    const key = await users.addKey("a");
    await users.update("a", { policies: { all: FULL_ACCESS_POLICY }, limits: { requestsPerSecond: 5 } });
    const { users: again } = await open(directory);
    expect(again.list().map(({ name }) => name)).toEqual(["admin", "a", "b", "c"]);
    expect(again.find(key.accessKey)?.user).toMatchObject({ mayEverything: true, limits: { requestsPerSecond: 5 } });
  });
});

test.each([
  { name: "a*", why: "a wildcard" },
  { name: "a/b", why: "a slash" },
  { name: "", why: "nothing" },
  { name: "x".repeat(65), why: "too long" },
])("no user can be named $name: $why", async ({ name }) => {
  await withTempDir(async (directory) => {
    const { users } = await open(directory);
    await expect(users.create(name, {})).rejects.toMatchObject({ code: "USER_INVALID" });
  });
});

test("a change that is refused changes nothing, and the next one is made", async () => {
  await withTempDir(async (directory) => {
    const { users } = await open(directory);
    const generation = users.generation;
    await expect(users.create("a", { policies: { p: "{}" } })).rejects.toMatchObject({ code: "USER_INVALID" });
    await expect(users.addKey("nobody")).rejects.toMatchObject({ code: "USER_UNKNOWN" });
    expect(users.generation).toBe(generation);
    await users.create("a", {});
    await expect(users.create("a", {})).rejects.toMatchObject({ code: "USER_EXISTS" });
    for (let i = 0; i < 10; i++) await users.addKey("a");
    await expect(users.addKey("a")).rejects.toMatchObject({ code: "TOO_MANY" });
  });
});

test("a user has 20 policies and a server 10,000 users, no more", async () => {
  await withTempDir(async (directory) => {
    const { users } = await open(directory);
    const policies = (count: number) =>
      Object.fromEntries(Array.from({ length: count }, (_, i) => [`p${i}`, FULL_ACCESS_POLICY]));
    await users.create("a", { policies: policies(20) });
    await expect(users.update("a", { policies: policies(21) })).rejects.toMatchObject({ code: "TOO_MANY" });
    const path = join(directory, "users.json");
    const file = JSON.parse(await readFile(path, "utf8"));
    const more = Array.from({ length: 9_999 - file.users.length }, (_, i) => ({
      ...file.users[1],
      name: `u${i}`,
      policies: {},
    }));
    await writeFile(path, JSON.stringify({ ...file, users: [...file.users, ...more] }));
    const { users: full } = await open(directory);
    await full.create("last", {});
    await expect(full.create("one-more", {})).rejects.toMatchObject({ code: "TOO_MANY" });
  });
});

test("a damaged file stops the start rather than opening the door", async () => {
  await withTempDir(async (directory) => {
    await open(directory);
    await writeFile(join(directory, "users.json"), "{");
    await expect(open(directory)).rejects.toMatchObject({ code: "FILE_NOT_JSON" });
  });
});

test("a user whose policies deny anything is not taken for one who may everything", async () => {
  await withTempDir(async (directory) => {
    const { users } = await open(directory);
    const deny = FULL_ACCESS_POLICY.replace("Allow", "Deny");
    await users.create("a", { policies: { all: FULL_ACCESS_POLICY, less: deny } });
    expect(users.user("a")?.mayEverything).toBe(false);
  });
});
