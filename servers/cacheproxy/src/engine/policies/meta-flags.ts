import type { MetaReply, MetaRequest } from "../meta.ts";

/** Exptimes above this many seconds are Unix times. @see memcached 1.6 doc/protocol.txt, "Expiration times" */
const RELATIVE_LIMIT_SEC = 60 * 60 * 24 * 30;

/** Whether a flag, told by its letter, is there. */
export function hasFlag(flags: readonly string[], letter: string): boolean {
  for (const flag of flags) if (flag.charCodeAt(0) === letter.charCodeAt(0)) return true;
  return false;
}

/** Whether one of several flags, told by their letters, is there. */
export function hasAnyFlag(flags: readonly string[], letters: string): boolean {
  return flags.some((flag) => letters.includes(flag.charAt(0)));
}

/** What follows a flag's letter; `undefined` without the flag. */
export function tokenOf(flags: readonly string[], letter: string): string | undefined {
  return flags.find((flag) => flag.startsWith(letter))?.slice(1);
}

/** The flags but for those that begin with one of the letters. */
export function withoutFlags(flags: readonly string[], letters: string): string[] {
  return flags.filter((flag) => !letters.includes(flag.charAt(0)));
}

/** The flags with those letters added that are not there. */
export function withFlags(flags: readonly string[], letters: string): string[] {
  const added = [...letters].filter((letter) => !hasFlag(flags, letter));
  return [...flags, ...added];
}

/** The flags with one of them replaced, or added. */
export function withToken(flags: readonly string[], letter: string, token: string): string[] {
  return [...withoutFlags(flags, letter), `${letter}${token}`];
}

/**
 * A reply as the client would have had it: flags that only the proxy asked for are taken out, and so is the value of a
 * client that did not ask for it.
 *
 * @param asked The flags of the client's request. What memcached adds by itself (`W`, `X`, `Z`) always stays.
 */
export function asAsked(reply: MetaReply, asked: readonly string[]): MetaReply {
  if (reply.code !== "VA" && reply.code !== "HD") return reply;
  const flags = reply.flags.filter((flag) => "WXZ".includes(flag.charAt(0)) || hasFlag(asked, flag.charAt(0)));
  if (reply.value === undefined || hasFlag(asked, "v")) return { ...reply, flags };
  return { code: "HD", flags };
}

/**
 * An exptime no longer than a limit.
 *
 * @param token As in `T60`: seconds from now, a Unix time, 0 for never, negative for at once; absent is never.
 */
function cappedExptime(token: string | undefined, limitSec: number, nowMs: number): string {
  const exptime = token === undefined || token === "" ? 0 : Number(token);
  // What memcached refuses it is to refuse itself.
  if (!Number.isFinite(exptime)) return token ?? "";
  if (exptime < 0) return String(exptime);
  if (exptime === 0) return String(limitSec);
  if (exptime <= RELATIVE_LIMIT_SEC) return String(Math.min(exptime, limitSec));
  return exptime - nowMs / 1000 > limitSec ? String(limitSec) : String(exptime);
}

/**
 * The exptime of an item that is to live as long as another one.
 *
 * @param ttlSec As `t` tells it: remaining seconds, at least 1, or -1 for never.
 */
export function exptimeOfTtl(ttlSec: number, nowMs: number): number {
  if (ttlSec < 0) return 0;
  return ttlSec <= RELATIVE_LIMIT_SEC ? ttlSec : Math.floor(nowMs / 1000) + ttlSec;
}

/**
 * A request whose item lives no longer than a limit, whatever it asks for.
 *
 * What is set without an exptime gets one; a touch (`mg T`, `ma T`) and an item made on a miss (`N`) are cut as well.
 */
export function withCappedExptime(request: MetaRequest, limitSec: number, nowMs: number): MetaRequest {
  const flags = request.flags.map((flag) => {
    const letter = flag.charAt(0);
    return letter === "T" || letter === "N" ? `${letter}${cappedExptime(flag.slice(1), limitSec, nowMs)}` : flag;
  });
  if (request.verb === "ms" && !hasFlag(flags, "T")) flags.push(`T${limitSec}`);
  return { ...request, flags };
}
