import type { FilterReply, FilterRequest } from "./messages.ts";

// Whether a value read from JSON is a message: the fields that are used, by their types. Unknown fields stay.

type Check = (value: unknown) => boolean;

const text: Check = (value) => typeof value === "string";
const flag: Check = (value) => typeof value === "boolean";
const number: Check = (value) => typeof value === "number";
const count: Check = (value) => Number.isSafeInteger(value) && (value as number) >= 0;
const whole: Check = (value) => Number.isSafeInteger(value);
const oneOf =
  (...words: string[]): Check =>
  (value) =>
    words.includes(value as string);
const list =
  (of: Check): Check =>
  (value) =>
    Array.isArray(value) && value.every(of);
const fields = (of: Readonly<Record<string, Check>>): Check => {
  const checks = Object.entries(of);
  return (value) => isRecord(value) && checks.every(([name, check]) => check(value[name]));
};

const region = fields({ x: count, y: count, width: count, height: count });
const settings = fields({
  mode: oneOf("selective", "always"),
  style: oneOf("any", "ios", "android"),
  strength: oneOfNumbers(1, 2, 3),
  zones: list(fields({ x: number, y: number, width: number, height: number })),
  startsCovered: flag,
});
const codec = oneOf("h264", "h265", "av1", "vp9");
const state = oneOf("clear", "suspect", "banner", "held");
const detection = fields({
  state,
  regions: list(region),
  reachesBack: flag,
  isUnsure: flag,
  bannerCount: count,
  explanation: list(fields({ region, rule: text, score: number })),
});
const stats = fields({
  ...{ decodedCount: count, encodedCount: count, cpuUs: number, decodeUs: number },
  ...{ detectUs: number, obscureUs: number, encodeUs: number, residentBytes: count },
});

const REQUESTS: Readonly<Record<string, Check>> = {
  open: fields({ streamId: count, settings }),
  settings: fields({ streamId: count, settings }),
  config: fields({ streamId: count, codec }),
  preview: fields({ streamId: count, isTest: flag }),
  close: fields({ streamId: count }),
  abandon: fields({ streamId: count }),
};

const REPLIES: Readonly<Record<string, Check>> = {
  config: fields({ streamId: count, codec }),
  detection: fields({ streamId: count, ptsUs: whole, isEncoding: flag, width: count, height: count, detection }),
  preview: fields({ streamId: count, isTest: flag, state }),
  stats: fields({ stats }),
  closed: fields({ streamId: count }),
  failed: fields({ streamId: count, code: text, message: text }),
};

/** The request that a JSON value and the bytes behind it are, or why they are none. */
export function checkRequest(value: unknown, data: Uint8Array): FilterRequest | string {
  const problem = problemOf(value, REQUESTS);
  if (problem !== undefined) return problem;
  // The table above has looked at every field of every kind.
  const request = value as FilterRequest;
  return request.kind === "config" ? { ...request, record: data } : request;
}

/** The reply that a JSON value and the bytes behind it are, or why they are none. */
export function checkReply(value: unknown, data: Uint8Array): FilterReply | string {
  const problem = problemOf(value, REPLIES);
  if (problem !== undefined) return problem;
  const reply = value as FilterReply;
  if (reply.kind === "config") return { ...reply, record: data };
  return reply.kind === "preview" ? { ...reply, jpeg: data } : reply;
}

function problemOf(value: unknown, kinds: Readonly<Record<string, Check>>): string | undefined {
  if (!isRecord(value) || typeof value.kind !== "string") return "A message has no kind";
  const check = Object.hasOwn(kinds, value.kind) ? kinds[value.kind] : undefined;
  if (check === undefined) return `No message is of kind "${value.kind.slice(0, 40)}"`;
  return check(value) ? undefined : `A message of kind "${value.kind}" lacks a field or has a wrong one`;
}

function oneOfNumbers(...numbers: number[]): Check {
  return (value) => numbers.includes(value as number);
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
