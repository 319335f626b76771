import { sha1 } from "./sha1.ts";

/** A request as Node's HTTP parser gives it: header names in lower case. */
export interface UpgradeRequest {
  readonly method?: string | undefined;
  /** Such as `1.1`. */
  readonly httpVersion: string;
  readonly headers: Readonly<Record<string, string | readonly string[] | undefined>>;
}

/** `code` is API: never renamed, never reused. */
export type UpgradeRefusalCode =
  | "WEBSOCKET_METHOD"
  | "WEBSOCKET_HTTP_VERSION"
  | "WEBSOCKET_NO_UPGRADE"
  | "WEBSOCKET_KEY"
  | "WEBSOCKET_VERSION";

export type UpgradeResult =
  /** Write `response`; the connection then speaks WebSocket. */
  | { readonly kind: "accept"; readonly response: Uint8Array }
  /** Write `response` and close. */
  | {
      readonly kind: "refuse";
      readonly code: UpgradeRefusalCode;
      readonly status: number;
      readonly message: string;
      readonly response: Uint8Array;
    };

const GUID = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
/** Base64 of exactly 16 bytes. */
const KEY = /^[A-Za-z0-9+/]{21}[AQgw]==$/;
const encoder = new TextEncoder();

/** The value of `Sec-WebSocket-Accept` for a `Sec-WebSocket-Key`. @see RFC 6455 §4.2.2 */
export function acceptKey(key: string): string {
  return btoa(String.fromCharCode(...sha1(encoder.encode(key + GUID))));
}

/**
 * Answers an upgrade request. Offered subprotocols and extensions are passed over, as the specification allows: above
 * all permessage-deflate, since coded video does not get smaller, and compressing would end the sharing of one buffer
 * by all viewers.
 *
 * @see RFC 6455 §4.2
 */
export function answerUpgrade(request: UpgradeRequest): UpgradeResult {
  const { headers } = request;
  if (request.method !== "GET") {
    return refuse("WEBSOCKET_METHOD", 405, "A WebSocket starts with GET", ["Allow: GET"]);
  }
  const [major, minor] = request.httpVersion.split(".").map(Number);
  if (major !== 1 || !(minor !== undefined && minor >= 1)) {
    return refuse("WEBSOCKET_HTTP_VERSION", 505, "A WebSocket starts with HTTP/1.1");
  }
  if (!hasToken(headers.upgrade, "websocket") || !hasToken(headers.connection, "upgrade")) {
    return refuse("WEBSOCKET_NO_UPGRADE", 426, "Send Connection: Upgrade and Upgrade: websocket", [
      "Connection: Upgrade",
      "Upgrade: websocket",
    ]);
  }
  if (headers["sec-websocket-version"] !== "13") {
    return refuse("WEBSOCKET_VERSION", 426, "Only version 13 of WebSocket is spoken here", [
      "Sec-WebSocket-Version: 13",
    ]);
  }
  const key = headers["sec-websocket-key"];
  if (typeof key !== "string" || !KEY.test(key)) {
    return refuse("WEBSOCKET_KEY", 400, "Sec-WebSocket-Key must be the base64 of 16 bytes");
  }
  const lines = [
    "HTTP/1.1 101 Switching Protocols",
    "Upgrade: websocket",
    "Connection: Upgrade",
    `Sec-WebSocket-Accept: ${acceptKey(key)}`,
  ];
  return { kind: "accept", response: encoder.encode(`${lines.join("\r\n")}\r\n\r\n`) };
}

/** The request of a client, for benches and tests. `key` is the base64 of 16 random bytes. */
export function encodeUpgradeRequest(host: string, path: string, key: string): Uint8Array {
  const lines = [
    `GET ${path} HTTP/1.1`,
    `Host: ${host}`,
    "Connection: Upgrade",
    "Upgrade: websocket",
    "Sec-WebSocket-Version: 13",
    `Sec-WebSocket-Key: ${key}`,
  ];
  return encoder.encode(`${lines.join("\r\n")}\r\n\r\n`);
}

const REASONS: Readonly<Record<number, string>> = {
  400: "Bad Request",
  405: "Method Not Allowed",
  426: "Upgrade Required",
  505: "HTTP Version Not Supported",
};

function refuse(
  code: UpgradeRefusalCode,
  status: number,
  message: string,
  extra: readonly string[] = [],
): UpgradeResult {
  const body = encoder.encode(JSON.stringify({ error: { code, message } }));
  const head = [
    `HTTP/1.1 ${status} ${REASONS[status]}`,
    ...extra,
    ...(extra.some((line) => line.startsWith("Connection:")) ? [] : ["Connection: close"]),
    "Content-Type: application/json",
    `Content-Length: ${body.length}`,
  ];
  const start = encoder.encode(`${head.join("\r\n")}\r\n\r\n`);
  const response = new Uint8Array(start.length + body.length);
  response.set(start);
  response.set(body, start.length);
  return { kind: "refuse", code, status, message, response };
}

/** Whether a comma-separated header has a token, in any case. */
function hasToken(header: string | readonly string[] | undefined, token: string): boolean {
  if (header === undefined) return false;
  const text = typeof header === "string" ? header : header.join(",");
  return text.split(",").some((each) => each.trim().toLowerCase() === token);
}
