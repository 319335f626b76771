import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import type { IncomingMessage } from "node:http";
import { isLoopback } from "../address.ts";
import { HttpError } from "./reply.ts";
import { type Reply, requireBearer } from "./router.ts";

/** What the pages for operators share, and the tag that stands for it in a page. */
const SHARED = [
  { tag: "<style data-console></style>", name: "style", file: "console.css" },
  { tag: "<script data-console></script>", name: "script", file: "console.cjs" },
  { tag: "<script data-console-charts></script>", name: "script", file: "charts.cjs" },
] as const;

/**
 * A page for people that is one file of HTML with its styles and scripts in it. It loads nothing from anywhere; what it
 * shows it asks its own server for, and scripts and styles are named by their hashes, so that nothing written into the page
 * could run. What such pages share is written into it where it says `<style data-console></style>`,
 * `<script data-console></script>` and `<script data-console-charts></script>`; see `console/`.
 *
 * @throws the system's error if there is no such file.
 */
export function readSinglePage(file: URL): Reply {
  let body = readFileSync(file, "utf8");
  for (const { tag, name, file: shared } of SHARED) {
    // By a function: a text would have `$` in it read as an order.
    body = body.replace(tag, () => {
      const text = readFileSync(new URL(`./console/${shared}`, import.meta.url), "utf8");
      return `<${name}>\n${text}</${name}>`;
    });
  }
  const hashesOf = (tag: string): string => {
    const texts = [...body.matchAll(new RegExp(`<${tag}>([\\s\\S]*?)</${tag}>`, "g"))].map((match) => match[1] ?? "");
    return texts.map((text) => `'sha256-${createHash("sha256").update(text).digest("base64")}'`).join(" ");
  };
  const policy = [
    "default-src 'none'",
    `script-src ${hashesOf("script")}`,
    `style-src ${hashesOf("style")}`,
    "connect-src 'self'",
    "frame-ancestors 'none'",
    "base-uri 'none'",
    "form-action 'none'",
  ];
  const headers = {
    "content-type": "text/html; charset=utf-8",
    "content-security-policy": policy.join("; "),
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
  };
  return { body, headers };
}

/**
 * Asks a request to an admin API for the token. Without one (the server listens on loopback then) a page of another site
 * could still reach it by a name of its own that it lets point there; such a name is refused.
 *
 * @throws HttpError 401 `TOKEN_WRONG`, 403 `HOST_REFUSED`
 */
export function checkAdminAccess(request: IncomingMessage, token: string): void {
  if (token !== "") {
    requireBearer(request, token);
    return;
  }
  const host = (request.headers.host ?? "").replace(/:\d+$/, "").replace(/^\[|\]$/g, "");
  if (!isLoopback(host)) throw new HttpError(403, "HOST_REFUSED", "Without a token, ask by 127.0.0.1 or localhost");
}
