import { statfs } from "node:fs/promises";
import { type RouteHandler, type Router, readJson, readSinglePage } from "@kagami/kit";
import { z } from "zod";
import { type AdminParts, adminActor, checkAccess, checkChange } from "./access.ts";
import { answered } from "./answered.ts";
import { addBucketRoutes } from "./bucket-routes.ts";
import { addReplicaRoutes } from "./replica-routes.ts";
import { addUploadRoutes } from "./upload-routes.ts";
import { addUserRoutes } from "./user-routes.ts";
import { addViewRoutes } from "./view-routes.ts";

/** How the parts of the API add their routes: access is checked before, errors become answers behind. */
export interface AdminRoutes {
  get(pattern: string, handler: RouteHandler): void;
  /** A change; `handler` reads the body itself. */
  change(method: "POST" | "PATCH" | "DELETE", pattern: string, handler: RouteHandler): void;
  /** A PUT whose body is bytes of an object. */
  upload(pattern: string, handler: RouteHandler): void;
}

/** The page for people, and the API of API.md. */
export function addAdminRoutes(router: Router, parts: AdminParts): void {
  const routes: AdminRoutes = {
    get: (pattern, handler) => {
      router.add("GET", pattern, (route) => {
        checkAccess(route, parts);
        return answered(handler, route);
      });
    },
    change: (method, pattern, handler) => {
      router.add(method, pattern, (route) => {
        checkAccess(route, parts);
        checkChange(route);
        return answered(handler, route);
      });
    },
    upload: (pattern, handler) => {
      router.add("PUT", pattern, async (route) => {
        checkAccess(route, parts);
        try {
          return await answered(handler, route);
        } catch (error) {
          // Without it, Node would read the rest of a refused body only to throw it away.
          route.response.setHeader("connection", "close");
          throw error;
        }
      });
    },
  };
  const page = readSinglePage(new URL("./admin-page.html", import.meta.url));
  const policy = `${page.headers?.["content-security-policy"]}; img-src 'self'; media-src 'self'; frame-src 'self'`;
  router.add("GET", "/", () => ({ ...page, headers: { ...page.headers, "content-security-policy": policy } }));
  routes.get("/api/status", async () => ({ json: await describeStatus(parts) }));
  routes.get("/api/history", ({ query }) => ({ json: parts.history.since(Number(query.get("since") ?? 0)) }));
  routes.get("/api/volumes", () => ({ json: parts.describeVolumes() }));
  routes.get("/api/tiers", () => ({ json: parts.host.describeTiers() ?? null }));
  routes.get("/api/maintenance", () => ({ json: parts.describeMaintenance() }));
  routes.change("POST", "/api/scrub", async (route) => {
    await readJson(route.request, z.strictObject({}));
    const volumes = parts.host.scrubSoon();
    parts.service.audit.record("scrub.asked", adminActor(route), { volumes });
    return { status: 202, json: { volumes } };
  });
  addReplicaRoutes(routes, parts);
  addUserRoutes(routes, parts);
  addBucketRoutes(routes, parts);
  addUploadRoutes(routes, parts);
  addViewRoutes(routes, router, parts);
}

async function describeStatus({ service, config, s3Address }: AdminParts) {
  const { budget, store, users, region } = service;
  const { bsize, bavail, blocks } = await statfs(config.data);
  return {
    s3: s3Address(),
    region,
    indexEngine: config.indexEngine,
    buckets: store.buckets().length,
    users: users.list().length,
    disk: { directory: config.data, freeBytes: bsize * bavail, sizeBytes: bsize * blocks },
    memory: { residentBytes: process.memoryUsage.rss() },
    upSeconds: Math.round(process.uptime()),
    bodies: { heldBytes: budget.heldBytes, waiting: budget.waiting, limitBytes: config.maxBodyMemoryBytes },
  };
}
