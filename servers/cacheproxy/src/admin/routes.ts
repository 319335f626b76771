import {
  checkAdminAccess,
  HttpError,
  type Reply,
  type RouteHandler,
  type RouteRequest,
  type Router,
  readJson,
  readSinglePage,
} from "@kagami/kit";
import { z } from "zod";
import type { CacheproxyConfig } from "../config.ts";
import { placementChangeSchema, readServer } from "../control/cluster-document.ts";
import type { Placement, Pool } from "../engine/cluster.ts";
import type { Order, OrderProblemCode } from "../engine/cluster-orders.ts";
import { describeKeyPlace, describeSlots } from "./slots-view.ts";
import { type AdminParts, describeKey, describeMove, describePool, describeStatus } from "./views.ts";

export interface AdminRoutesParts extends AdminParts {
  readonly config: Pick<CacheproxyConfig, "adminToken" | "serverTls">;
}

const STATUS: Readonly<Record<OrderProblemCode, number>> = {
  SERVER_UNKNOWN: 404,
  SERVER_EJECTED: 409,
  SERVER_IN_USE: 409,
  POOL_UNKNOWN: 404,
  POOL_OF_SERVICE: 409,
  PLACEMENT_INVALID: 400,
  MOVE_UNDER_WAY: 409,
  MOVE_UNKNOWN: 404,
  MOVE_ABORTED: 409,
};

const emptySchema = z.strictObject({}).optional();

/** The API of API.md and the status page. */
export function addAdminRoutes(router: Router, parts: AdminRoutesParts): void {
  const { plane, counts, source } = parts;
  const page = readSinglePage(new URL("./status-page.html", import.meta.url));
  const get = (pattern: string, handler: RouteHandler): void => {
    router.add("GET", pattern, (route) => {
      checkAdminAccess(route.request, parts.config.adminToken);
      return handler(route);
    });
  };
  const post = (pattern: string, handler: (route: RouteRequest) => Promise<Reply>): void => {
    router.add("POST", pattern, (route) => {
      checkAdminAccess(route.request, parts.config.adminToken);
      checkChange(route);
      return handler(route);
    });
  };
  router.add("GET", "/", () => page);
  get("/api/status", () => ({ json: describeStatus(parts) }));
  get("/api/config", () => ({ json: { ...plane.current.config, problem: source.problem } }));
  get("/api/pools", () => ({ json: plane.current.config.pools.map((pool) => describePool(pool, parts)) }));
  get("/api/pools/{pool}", (route) => ({ json: describePool(findPool(route, parts), parts) }));
  get("/api/pools/{pool}/slots", (route) => {
    const pool = findPool(route, parts);
    const key = route.query.get("key");
    return { json: key === null ? describeSlots(plane.current, pool) : describeKeyPlace(plane.current, pool, key) };
  });
  get("/api/pools/{pool}/top-keys", (route) => ({
    json: counts.topKeys(findPool(route, parts).name).map(describeKey),
  }));
  get("/api/moves", () => ({ json: plane.current.moves.map((move) => describeMove(move, parts)) }));
  post("/api/pools/{pool}/move", async (route) => {
    const pool = findPool(route, parts);
    const placement = placementOf(pool, await readJson(route.request, placementChangeSchema, 262_144), parts);
    return await obey({ kind: "start-move", pool: pool.name, placement }, parts);
  });
  for (const what of ["pause", "resume", "abort"] as const) {
    post(`/api/pools/{pool}/move/${what}`, async (route) => {
      await readNothing(route);
      return await obey({ kind: `${what}-move`, pool: findPool(route, parts).name }, parts);
    });
  }
  for (const kind of ["eject", "readmit"] as const) {
    post(`/api/servers/{address}/${kind}`, async (route) => {
      await readNothing(route);
      return await obey({ kind, address: route.params.address ?? "" }, parts);
    });
  }
  post("/api/config/reload", async (route) => {
    await readNothing(route);
    await source.reload().catch((error: unknown) => {
      throw new HttpError(409, "CONFIG_REFUSED", error instanceof Error ? error.message : String(error));
    });
    return { json: { epoch: plane.current.epoch } };
  });
}

/** A page of another site can send a form, but not JSON without asking first, which nobody answers. */
function checkChange({ request }: RouteRequest): void {
  if (/^application\/json\b/i.test(request.headers["content-type"] ?? "")) return;
  throw new HttpError(415, "BODY_NOT_JSON", "Send changes with content-type: application/json");
}

async function readNothing({ request }: RouteRequest): Promise<void> {
  if (request.headers["content-length"] === "0" || (request.headers["content-length"] ?? "") === "") return;
  await readJson(request, emptySchema);
}

function findPool({ params }: RouteRequest, { plane }: AdminRoutesParts): Pool {
  const pool = plane.current.config.pools.find(({ name }) => name === params.pool);
  if (!pool) throw new HttpError(404, "POOL_UNKNOWN", `There is no pool "${params.pool ?? ""}"`);
  return pool;
}

function placementOf(
  pool: Pool,
  change: z.output<typeof placementChangeSchema>,
  { config }: AdminRoutesParts,
): Placement {
  const kind = change.placement ?? pool.placement.kind;
  const hash = change.hash ?? (kind === pool.placement.kind ? pool.placement.hash : undefined);
  const servers =
    change.servers?.map((server) => readServer(server, { tls: config.serverTls })) ?? pool.placement.servers;
  return { kind, ...(hash === undefined ? {} : { hash }), servers };
}

async function obey(order: Order, { plane }: AdminRoutesParts): Promise<Reply> {
  let outcome: Awaited<ReturnType<typeof plane.order>>;
  try {
    outcome = await plane.order(order);
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new HttpError(503, "NO_AGREEMENT", `The order could not be agreed on: ${reason}`);
  }
  if (!outcome.ok) throw new HttpError(STATUS[outcome.code], outcome.code, outcome.message);
  return { json: { epoch: plane.current.epoch } };
}
