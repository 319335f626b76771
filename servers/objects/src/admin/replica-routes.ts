import { HttpError, readJson } from "@kagami/kit";
import { z } from "zod";
import { type AdminParts, adminActor } from "./access.ts";
import type { AdminRoutes } from "./routes.ts";

const addSchema = z.strictObject({ name: z.string() });

/** Who follows this store, or how this replica follows another. Tokens are told once, where a replica is added. */
export function addReplicaRoutes(routes: AdminRoutes, { service, host }: AdminParts): void {
  const { audit } = service;
  routes.get("/api/replication", () => ({ json: host.describeReplication() }));
  routes.change("POST", "/api/replicas", async (route) => {
    const { name } = await readJson(route.request, addSchema);
    const token = await sourceOf(host).registry.add(name);
    audit.record("replica.added", adminActor(route), { replica: name });
    return { status: 201, json: { name, token } };
  });
  routes.change("DELETE", "/api/replicas/{name}", async (route) => {
    const name = route.params.name ?? "";
    const { registry, sender } = sourceOf(host);
    await registry.remove(name);
    sender.disconnect(name);
    audit.record("replica.removed", adminActor(route), { replica: name });
    return {};
  });
}

/** @throws HttpError 409 `READ_ONLY` on a replica */
function sourceOf({ source }: AdminParts["host"]) {
  if (source !== undefined) return source;
  throw new HttpError(409, "READ_ONLY", "This is a replica itself. Register replicas at its source");
}
