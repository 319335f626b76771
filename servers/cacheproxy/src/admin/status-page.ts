import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import type { Reply } from "@kagami/kit";

/**
 * The page for people. It loads nothing from anywhere; what it shows it asks its own server for, and its only script and
 * style are named by their hashes, so that nothing written into the page could run.
 */
export function readStatusPage(): Reply {
  const body = readFileSync(new URL("./status-page.html", import.meta.url), "utf8");
  const hashOf = (tag: string): string => {
    const text = new RegExp(`<${tag}>([\\s\\S]*?)</${tag}>`).exec(body)?.[1] ?? "";
    return `'sha256-${createHash("sha256").update(text).digest("base64")}'`;
  };
  const policy = [
    "default-src 'none'",
    `script-src ${hashOf("script")}`,
    `style-src ${hashOf("style")}`,
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
