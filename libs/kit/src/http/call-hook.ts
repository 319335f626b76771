import { createHmac } from "node:crypto";
import type { Clock } from "@kagami/clock";
import { equalSecret } from "../secrets.ts";
import { systemClock } from "../system-clock.ts";

/** The header that carries {@link signHook}'s text. */
export const HOOK_SIGNATURE_HEADER = "kagami-signature";

export interface HookOptions {
  /** Time for the whole exchange; 3,000 if absent. */
  readonly timeoutMs?: number;
  /** 64 KiB if absent. */
  readonly maxResponseBytes?: number;
  /** Signs the body, so that the receiver knows who calls. */
  readonly secret?: string;
  readonly clock?: Clock;
}

export type HookProblem =
  | "HOOK_TIMEOUT"
  | "HOOK_UNREACHABLE"
  | "HOOK_REDIRECTED"
  | "HOOK_REFUSED"
  | "HOOK_FAILED"
  | "HOOK_RESPONSE_TOO_LARGE"
  | "HOOK_RESPONSE_NOT_JSON";

/** `json` is `undefined` if the answer has no body. `HOOK_REFUSED` is a 4xx: the hook said no; 5xx is `HOOK_FAILED`. */
export type HookResult =
  | { readonly ok: true; readonly status: number; readonly json: unknown }
  | { readonly ok: false; readonly code: HookProblem; readonly status: number | undefined; readonly message: string };

/**
 * Posts JSON to a hook and reads a JSON answer, all within limits; redirects are refused, since they would carry the body
 * to an address that nobody configured. Never rejects.
 */
export async function callHook(url: string, body: unknown, options: HookOptions = {}): Promise<HookResult> {
  const timeoutMs = options.timeoutMs ?? 3_000;
  const text = JSON.stringify(body);
  const headers: Record<string, string> = { "content-type": "application/json", accept: "application/json" };
  if (options.secret !== undefined) {
    headers[HOOK_SIGNATURE_HEADER] = signHook(text, options.secret, (options.clock ?? systemClock).wallMs());
  }
  const signal = AbortSignal.timeout(timeoutMs);
  try {
    const response = await fetch(url, { method: "POST", headers, body: text, redirect: "manual", signal });
    return await readResult(url, response, options.maxResponseBytes ?? 65_536);
  } catch (error) {
    if (signal.aborted)
      return failure("HOOK_TIMEOUT", undefined, `${shown(url)} did not answer within ${timeoutMs} ms`);
    const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error;
    const reason = (cause as NodeJS.ErrnoException).code ?? (cause instanceof Error ? cause.message : String(cause));
    return failure("HOOK_UNREACHABLE", undefined, `${shown(url)} cannot be reached: ${reason}`);
  }
}

/** `t=SECONDS,v1=HEX`: HMAC-SHA-256 of `SECONDS.BODY`, so that a recorded call cannot be replayed later. */
export function signHook(body: string, secret: string, nowMs: number): string {
  const seconds = Math.floor(nowMs / 1_000);
  return `t=${seconds},v1=${hookMac(body, secret, seconds)}`;
}

/** Checks a signature; for receivers. `toleranceMs` is how old it may be, or how far ahead; 5 minutes if absent. */
export function verifyHook(
  body: string,
  header: string,
  secret: string,
  nowMs: number,
  toleranceMs = 300_000,
): boolean {
  const match = /^t=(\d{1,12}),v1=([0-9a-f]{64})$/.exec(header);
  if (!match) return false;
  const seconds = Number(match[1]);
  if (Math.abs(nowMs - seconds * 1_000) > toleranceMs) return false;
  return equalSecret(match[2] ?? "", hookMac(body, secret, seconds));
}

function hookMac(body: string, secret: string, seconds: number): string {
  return createHmac("sha256", secret).update(`${seconds}.${body}`, "utf8").digest("hex");
}

async function readResult(url: string, response: Response, limitBytes: number): Promise<HookResult> {
  const { status } = response;
  if (!response.ok) {
    await response.body?.cancel();
    if (status >= 300 && status < 400) {
      return failure("HOOK_REDIRECTED", status, `${shown(url)} answered ${status}: write the final address instead`);
    }
    return failure(status < 500 ? "HOOK_REFUSED" : "HOOK_FAILED", status, `${shown(url)} answered ${status}`);
  }
  const bytes = await readLimited(response, limitBytes);
  if (!bytes) return failure("HOOK_RESPONSE_TOO_LARGE", status, `${shown(url)} answered more than ${limitBytes} bytes`);
  if (bytes.length === 0) return { ok: true, status, json: undefined };
  try {
    return { ok: true, status, json: JSON.parse(bytes.toString("utf8")) };
  } catch {
    return failure("HOOK_RESPONSE_NOT_JSON", status, `${shown(url)} answered something that is not JSON`);
  }
}

async function readLimited(response: Response, limitBytes: number): Promise<Buffer | undefined> {
  const chunks: Uint8Array[] = [];
  let sizeBytes = 0;
  for await (const chunk of response.body ?? []) {
    sizeBytes += chunk.length;
    if (sizeBytes > limitBytes) return undefined; // leaving the loop cancels the body
    chunks.push(chunk);
  }
  return Buffer.concat(chunks, sizeBytes);
}

/** The address without its query and credentials, which may be secret. */
function shown(url: string): string {
  const parsed = URL.parse(url);
  return parsed ? `Hook ${parsed.origin}${parsed.pathname}` : "Hook (not an address)";
}

function failure(code: HookProblem, status: number | undefined, message: string): HookResult {
  return { ok: false, code, status, message };
}
