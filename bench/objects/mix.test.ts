import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { withTempDir } from "@kagami/testkit";
import { afterAll, beforeAll, expect, test } from "vitest";
import { runBench } from "../index.ts";
import { CapturedIo } from "../src/captured-io.ts";
import type { LocalPeer } from "./servers/peer.ts";
import { startS3rver } from "./servers/s3rver.ts";

let s3rver: LocalPeer;
beforeAll(async () => {
  s3rver = await startS3rver();
  process.env.AWS_ACCESS_KEY_ID = s3rver.credentials.accessKey;
  process.env.AWS_SECRET_ACCESS_KEY = s3rver.credentials.secretKey;
});
afterAll(() => s3rver.stop());

async function run(...argv: string[]) {
  const io = new CapturedIo();
  const exitCode = await runBench(["objects", "mix", "--smoke", "--json", "--url", s3rver.endpoint, ...argv], io);
  const lines = io.out.split("\n").filter((text) => text !== "");
  return { exitCode, err: io.err, figures: lines.map((text) => JSON.parse(text)) };
}

test.each(["header", "presigned"])(
  "a foreign S3 server is put under mixed load with %s signatures",
  async (signing) => {
    await withTempDir(async (dir) => {
      const html = join(dir, "report.html");
      const { exitCode, err, figures } = await run("--signing", signing, "--html", html);
      expect(exitCode, err).toBe(0);
      const value = (figure: string) => figures.find((line) => line.figure === figure)?.value;
      for (const kind of ["put-1kb", "get-1kb", "head-1kb", "copy-1kb", "delete"]) {
        expect(value(`${kind}-rate`), kind).toBeGreaterThan(0);
        expect(value(`${kind}-p99`), kind).toBeGreaterThan(0);
      }
      // s3rver fails listings while files come and go under it, on a busy machine all of them.
      const listings = figures.filter(({ figure }) => figure.startsWith("list-10-"));
      expect(listings.some(({ value: count }) => count > 0)).toBe(true);
      const failed = figures.filter(({ figure }) => figure.includes("-error-") && !figure.startsWith("list-"));
      expect(failed.map(({ figure }) => figure)).toEqual([]);
      const page = await readFile(html, "utf8");
      expect(page.match(/<svg /g)).toHaveLength(3);
      expect(page).not.toContain("NaN");
      expect(page).toContain("put:1KB");
    });
  },
);

test("a closed loop over as many connections as were asked for", async () => {
  const { exitCode, figures } = await run(
    "--mix",
    "put:[100B*9|20KB]*1,get:[100B*9|20KB]*3",
    "--connections",
    "4",
    "--keys",
    "zipf:1.2",
  );
  expect(exitCode).toBe(0);
  const value = (figure: string) => figures.find((line) => line.figure === figure)?.value;
  expect(value("get-100b-9-20kb-rate")).toBeGreaterThan(value("put-100b-9-20kb-rate"));
});

test.each([
  { argv: ["--mix", "get@5/s,put"], says: "a rate, or none" },
  { argv: ["--connections", "0"], says: "--connections takes a whole number from 1 to 4096" },
  { argv: ["--objects", "many"], says: '--objects takes a whole number from 1 to 100000000, not "many"' },
  { argv: ["--keys", "pareto"], says: "no key distribution" },
  { argv: ["--signing", "none"], says: "--signing takes header or presigned" },
])("what cannot be done is refused before any load: $argv", async ({ argv, says }) => {
  const { exitCode, err } = await run(...argv);
  expect(exitCode).toBe(1);
  expect(err).toContain(says);
});

test("flags of this part are refused for others by name", async () => {
  const io = new CapturedIo();
  expect(await runBench(["hashing", "--mix", "get"], io)).toBe(2);
  expect(io.err).toContain("--mix is not for hashing");
});
