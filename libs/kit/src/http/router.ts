import type { IncomingMessage, ServerResponse } from "node:http";
import type { z } from "zod";
import { equalSecret } from "../secrets.ts";
import { compilePattern, decodeParams, matchPattern, type PathPattern } from "./path-pattern.ts";
import { HttpError, sendError, sendJson } from "./reply.ts";

export type HttpMethod = "GET" | "POST" | "PUT" | "PATCH" | "DELETE";

/** A request that matched a route. */
export interface RouteRequest {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  /** `HEAD` requests come as `GET`; Node drops the body. */
  readonly method: HttpMethod;
  /** As sent, still encoded, without the query. */
  readonly path: string;
  /** Decoded values of the pattern's `{names}`. */
  readonly params: Readonly<Record<string, string>>;
  readonly query: URLSearchParams;
}

/** What a handler answers: JSON if `json` is there, else `body`, else nothing (204 unless `status` says otherwise). */
export interface Reply {
  readonly status?: number;
  readonly json?: unknown;
  readonly body?: string | Uint8Array;
  readonly headers?: Readonly<Record<string, string>>;
}

/** Returns the answer, or `undefined` after having taken care of the response itself. Throw {@link HttpError} to refuse. */
export type RouteHandler = (route: RouteRequest) => Promise<Reply | undefined> | Reply | undefined;

export interface RouterOptions {
  /** Headers of every answer, unless a handler gives its own; also of refusals. */
  readonly headers?: Readonly<Record<string, string>>;
  /** Allows pages of any origin to call: `access-control-allow-origin: *` and answers to preflight requests. */
  readonly isCrossOrigin?: boolean;
  /** Takes GET and HEAD requests that no route matches, such as a static file server. */
  readonly fallback?: (request: IncomingMessage, response: ServerResponse) => Promise<void> | void;
}

/** Routes requests by method and path. */
export interface Router {
  /**
   * Adds a route. The pattern is literal but for `{name}`, which takes one or more characters of a segment
   * (`/live/{name}/seg-{msn}.m4s`), and a last `{name*}`, which takes the rest with its slashes.
   * Earlier routes win, except that patterns without names go first.
   */
  add(method: HttpMethod, pattern: string, handler: RouteHandler): Router;
  /** Answers a request; rejects only when a handler threw something other than {@link HttpError}. */
  handle(request: IncomingMessage, response: ServerResponse): Promise<void>;
}

interface Route {
  readonly pattern: PathPattern;
  readonly handlers: Map<HttpMethod, RouteHandler>;
}

const PATH_LIMIT_CHARACTERS = 4_096;

export function createRouter(options: RouterOptions = {}): Router {
  const literals = new Map<string, Route>();
  const patterns: Route[] = [];
  const headers: Record<string, string> = { ...options.headers };
  if (options.isCrossOrigin) headers["access-control-allow-origin"] = "*";

  const router: Router = {
    add(method, text, handler) {
      const existing = literals.get(text) ?? patterns.find(({ pattern }) => pattern.text === text);
      const route = existing ?? { pattern: compilePattern(text), handlers: new Map() };
      if (route.handlers.has(method)) throw new RangeError(`Cannot add route ${method} ${text}: it exists`);
      route.handlers.set(method, handler);
      if (!existing && route.pattern.expression) patterns.push(route);
      else literals.set(text, existing ?? route);
      return router;
    },
    async handle(request, response) {
      for (const name of Object.keys(headers)) response.setHeader(name, headers[name] as string);
      try {
        await dispatch(request, response, { literals, patterns, options });
      } catch (error) {
        if (!(error instanceof HttpError)) throw error;
        if (response.headersSent) response.destroy();
        else sendError(response, error.status, error.code, error.message, error.headers);
      }
    },
  };
  return router;
}

interface RouteTable {
  readonly literals: ReadonlyMap<string, Route>;
  readonly patterns: readonly Route[];
  readonly options: RouterOptions;
}

async function dispatch(request: IncomingMessage, response: ServerResponse, table: RouteTable): Promise<void> {
  const url = request.url ?? "/";
  const queryAt = url.indexOf("?");
  const path = queryAt < 0 ? url : url.slice(0, queryAt);
  if (path.length > PATH_LIMIT_CHARACTERS) throw new HttpError(414, "PATH_TOO_LONG", "The path is too long");
  const allowed = new Set<string>();
  const wanted = request.method === "HEAD" ? "GET" : request.method;
  for (const route of candidates(path, table)) {
    const raw = matchPattern(route.pattern, path);
    if (!raw) continue;
    const handler = route.handlers.get(wanted as HttpMethod);
    if (handler) {
      const params = decodeParams(raw);
      if (!params) throw new HttpError(400, "PATH_MALFORMED", "The path has a percent sign that encodes no character");
      const query = new URLSearchParams(queryAt < 0 ? "" : url.slice(queryAt + 1));
      const reply = await handler({ request, response, method: wanted as HttpMethod, path, params, query });
      if (reply) sendReply(response, reply);
      return;
    }
    for (const method of route.handlers.keys()) allowed.add(method);
  }
  if (allowed.size > 0) {
    refuseMethod(request, response, allowed, table.options.isCrossOrigin === true);
  } else if (table.options.fallback && wanted === "GET") {
    await table.options.fallback(request, response);
  } else throw new HttpError(404, "NOT_FOUND", "There is nothing at this path");
}

function* candidates(path: string, { literals, patterns }: RouteTable): Generator<Route> {
  const literal = literals.get(path);
  if (literal) yield literal;
  yield* patterns;
}

function refuseMethod(
  request: IncomingMessage,
  response: ServerResponse,
  methods: Set<string>,
  isCrossOrigin: boolean,
): void {
  if (methods.has("GET")) methods.add("HEAD");
  methods.add("OPTIONS");
  const allow = [...methods].sort().join(", ");
  if (request.method !== "OPTIONS") {
    throw new HttpError(405, "METHOD_NOT_ALLOWED", `This path takes ${allow}`, { allow });
  }
  const preflight = {
    "access-control-allow-methods": allow,
    "access-control-allow-headers": "authorization, content-type",
    "access-control-max-age": "600",
  };
  response.writeHead(204, { allow, ...(isCrossOrigin ? preflight : {}) });
  response.end();
}

function sendReply(response: ServerResponse, reply: Reply): void {
  if (reply.json !== undefined) {
    sendJson(response, reply.status ?? 200, reply.json, reply.headers);
    return;
  }
  const body = typeof reply.body === "string" ? Buffer.from(reply.body) : reply.body;
  const length = body ? { "content-length": String(body.length) } : {};
  response.writeHead(reply.status ?? (body ? 200 : 204), { ...length, ...reply.headers });
  response.end(response.req.method === "HEAD" ? undefined : body);
}

/**
 * Reads a request's body.
 *
 * @throws HttpError 413 `BODY_TOO_LARGE` beyond `limitBytes`; 400 `BODY_INCOMPLETE` if the peer gave up.
 */
export async function readBody(request: IncomingMessage, limitBytes = 65_536): Promise<Buffer> {
  const tooLarge = (): HttpError =>
    // Without the close, Node would read the rest only to throw it away.
    new HttpError(413, "BODY_TOO_LARGE", `The body is larger than ${limitBytes} bytes`, { connection: "close" });
  if (Number(request.headers["content-length"] ?? 0) > limitBytes) throw tooLarge();
  const chunks: Buffer[] = [];
  let sizeBytes = 0;
  try {
    for await (const chunk of request.iterator({ destroyOnReturn: false })) {
      sizeBytes += (chunk as Buffer).length;
      if (sizeBytes > limitBytes) throw tooLarge();
      chunks.push(chunk as Buffer);
    }
  } catch (error) {
    if (error instanceof HttpError) throw error;
    throw new HttpError(400, "BODY_INCOMPLETE", "The body ended early");
  }
  return Buffer.concat(chunks, sizeBytes);
}

/**
 * Reads a request's JSON body and checks it against a schema.
 *
 * @throws HttpError as {@link readBody}, and 400 `BODY_NOT_JSON` or `BODY_INVALID`
 */
export async function readJson<S extends z.ZodType>(
  request: IncomingMessage,
  schema: S,
  limitBytes?: number,
): Promise<z.output<S>> {
  const bytes = await readBody(request, limitBytes);
  let json: unknown;
  try {
    json = JSON.parse(bytes.toString("utf8"));
  } catch {
    // The parser's own message quotes the body; the code says enough.
    throw new HttpError(400, "BODY_NOT_JSON", "The body is not JSON");
  }
  const parsed = schema.safeParse(json);
  if (parsed.success) return parsed.data;
  const issues = parsed.error.issues.slice(0, 5).map((issue) => `${issue.path.join(".") || "body"}: ${issue.message}`);
  throw new HttpError(400, "BODY_INVALID", issues.join("; "));
}

/** The token of `Authorization: Bearer …`, or `undefined`. */
export function bearerToken(request: IncomingMessage): string | undefined {
  const match = /^bearer +([A-Za-z0-9._~+/=-]{1,4096})$/i.exec(request.headers.authorization ?? "");
  return match?.[1];
}

/**
 * Asks for one certain token, compared in constant time.
 *
 * @throws HttpError 401 with `code`
 */
export function requireBearer(request: IncomingMessage, expected: string, code = "TOKEN_WRONG"): void {
  const given = bearerToken(request);
  if (given !== undefined && expected !== "" && equalSecret(given, expected)) return;
  throw new HttpError(401, code, "Send the right token as: Authorization: Bearer TOKEN", {
    "www-authenticate": "Bearer",
  });
}
