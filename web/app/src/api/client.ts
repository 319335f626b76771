import type { Channel, Health, PlayToken, Privacy, PrivacySettings, ServerInfo, StudioChannel } from "./types.ts";

/** The server refused, or could not be reached. `code` is the server's own, or `UNREACHABLE`; match on it. */
export class ApiError extends Error {
  override readonly name = "ApiError";
  readonly code: string;
  /** HTTP status, 0 when no answer came. */
  readonly status: number;

  constructor(code: string, status: number, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
    this.status = status;
  }
}

/** How long one request may take before it counts as `UNREACHABLE`. */
const REQUEST_LIMIT_MS = 8_000;

/** @throws ApiError */
export function fetchServer(): Promise<ServerInfo> {
  return request<ServerInfo>("GET", "/api/server");
}

/** The live channels that are public. @throws ApiError */
export async function fetchLiveChannels(): Promise<readonly Channel[]> {
  const answer = await request<{ channels: readonly Channel[] }>("GET", "/api/channels?live=1");
  return answer.channels;
}

/** @param token Play token of a private channel. @throws ApiError `CHANNEL_NOT_FOUND` and others */
export function fetchChannel(name: string, token: string | undefined): Promise<Channel> {
  const query = token === undefined ? "" : `?token=${encodeURIComponent(token)}`;
  return request<Channel>("GET", `/api/channels/${encodeURIComponent(name)}${query}`);
}

/** A still picture of what the detector sees. */
export interface PreviewPicture {
  readonly jpeg: Blob;
  /** What the detector says of it: `clear`, `suspect`, `banner` or `held`; `undefined` where the server does not tell. */
  readonly detection: string | undefined;
}

/** The calls of the studio, all with one stream key. Each throws {@link ApiError}, `KEY_UNKNOWN` when the key ended. */
export class StudioClient {
  readonly key: string;

  constructor(key: string) {
    this.key = key;
  }

  channel(): Promise<StudioChannel> {
    return request("GET", "/api/studio", this.key);
  }

  health(): Promise<Health> {
    return request("GET", "/api/studio/health", this.key);
  }

  update(change: { readonly title?: string; readonly isPrivate?: boolean }): Promise<StudioChannel> {
    return request("PATCH", "/api/studio", this.key, change);
  }

  rotateKey(): Promise<{ readonly key: string }> {
    return request("POST", "/api/studio/key", this.key);
  }

  createPlayToken(expiresInS: number): Promise<PlayToken> {
    return request("POST", "/api/studio/play-tokens", this.key, { expiresInS });
  }

  async stopBroadcast(): Promise<void> {
    await request("DELETE", "/api/studio/publisher", this.key);
  }

  privacy(): Promise<Privacy> {
    return request("GET", "/api/studio/privacy", this.key);
  }

  updatePrivacy(change: Partial<PrivacySettings>): Promise<Privacy> {
    return request("PATCH", "/api/studio/privacy", this.key, change);
  }

  /**
   * The next still picture that the detector looks at.
   *
   * @param isTest Puts a made-up banner into it; viewers do not see that one.
   * @param signal Ends the request; there is no other limit of time.
   * @throws ApiError `NOT_LIVE`, `PRIVACY_OFF`, `PREVIEW_LATE`; `UNREACHABLE` also when `signal` was aborted
   */
  async privacyPreview(isTest: boolean, signal: AbortSignal): Promise<PreviewPicture> {
    const path = `/api/studio/privacy/preview.jpg${isTest ? "?test=1" : ""}`;
    const response = await send("GET", path, { key: this.key, accept: "image/jpeg", signal });
    if (!response.ok) throw toError(response.status, await readJson(response));
    const detection = response.headers.get("x-kagami-detection") ?? undefined;
    try {
      return { jpeg: await response.blob(), detection };
    } catch (cause) {
      throw new ApiError("UNREACHABLE", 0, "The picture broke off", { cause });
    }
  }
}

async function request<T>(method: string, path: string, key?: string, body?: unknown): Promise<T> {
  const response = await send(method, path, { key, body });
  if (response.status === 204) return undefined as T;
  const answer = await readJson(response);
  if (response.ok && answer !== undefined) return answer as T;
  throw toError(response.status, answer);
}

interface SendOptions {
  readonly key?: string | undefined;
  readonly body?: unknown;
  /** JSON unless said otherwise. */
  readonly accept?: string;
  /** Instead of the usual limit of time. */
  readonly signal?: AbortSignal;
}

async function send(method: string, path: string, options: SendOptions): Promise<Response> {
  const { key, body, accept = "application/json", signal } = options;
  const headers = new Headers({ accept });
  if (key !== undefined) headers.set("authorization", `Bearer ${key}`);
  if (body !== undefined) headers.set("content-type", "application/json");
  try {
    return await fetch(path, {
      method,
      headers,
      cache: "no-store",
      signal: signal ?? AbortSignal.timeout(REQUEST_LIMIT_MS),
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
  } catch (cause) {
    throw new ApiError("UNREACHABLE", 0, "The server does not answer. Check your connection", { cause });
  }
}

async function readJson(response: Response): Promise<unknown> {
  try {
    return await response.json();
  } catch {
    return undefined; // a proxy's HTML page: reported as UNREADABLE by the caller
  }
}

function toError(status: number, answer: unknown): ApiError {
  const error = (answer as { error?: { code?: unknown; message?: unknown } } | undefined)?.error;
  const code = typeof error?.code === "string" ? error.code : "UNREADABLE";
  const message =
    typeof error?.message === "string" ? error.message : `The server answered ${status} with nothing to read`;
  return new ApiError(code, status, message);
}
