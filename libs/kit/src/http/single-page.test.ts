import { createHash } from "node:crypto";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { afterEach, beforeEach, expect, test } from "vitest";
import { readSinglePage } from "./single-page.ts";

let directory: string;
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), "single-page-"));
});
afterEach(() => rm(directory, { recursive: true }));

/** The page and its policy. */
async function read(html: string): Promise<{ readonly body: string; readonly policy: string }> {
  const file = join(directory, "page.html");
  await writeFile(file, html);
  const { body, headers } = readSinglePage(pathToFileURL(file));
  return { body: String(body), policy: headers?.["content-security-policy"] ?? "" };
}

const hashOf = (text: string) => `'sha256-${createHash("sha256").update(text).digest("base64")}'`;

test("what pages share is written into them, and may run like their own scripts", async () => {
  const { body, policy } = await read(
    "<style data-console></style><style>p {}</style>" +
      "<script data-console></script><script data-console-charts></script><script>ask()</script>",
  );
  expect(body).not.toContain("data-console");
  expect(body).toContain("function ask(");
  expect(body).toContain("function makeChart(");
  const parts = [...body.matchAll(/<(script|style)>([\s\S]*?)<\/\1>/g)].map(([, name, text]) => ({ name, text }));
  expect(parts.map(({ name }) => name)).toEqual(["style", "style", "script", "script", "script"]);
  for (const { name, text } of parts) {
    const allowed = policy.split("; ").find((directive) => directive.startsWith(`${name}-src `)) ?? "";
    expect(allowed.split(" ")).toContain(hashOf(text ?? ""));
  }
});

test("a page that shares nothing is sent as it is, and only its own script may run", async () => {
  const html = "<!doctype html><script>1</script>";
  const { body, policy } = await read(html);
  expect(body).toBe(html);
  expect(policy).toContain(`script-src ${hashOf("1")};`);
});
