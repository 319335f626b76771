import { readJson } from "@kagami/kit";
import { z } from "zod";
import { rateLimitsSchema } from "../service/stored-users.ts";
import type { UserChange } from "../service/user-changes.ts";
import { type AdminParts, adminActor } from "./access.ts";
import type { AdminRoutes } from "./routes.ts";

const BODY_LIMIT_BYTES = 524_288;

const changeShape = {
  isEnabled: z.boolean().optional(),
  /** Policy texts by name; replaces all. */
  policies: z.record(z.string().min(1).max(64), z.string().max(20_480)).optional(),
  limits: rateLimitsSchema.optional(),
};
const createSchema = z.strictObject({ name: z.string(), ...changeShape });
const changeSchema = z.strictObject(changeShape);
const keyChangeSchema = z.strictObject({ isEnabled: z.boolean() });

/** Users and their keys. Secrets are told once, where a key is made. */
export function addUserRoutes(routes: AdminRoutes, { service }: AdminParts): void {
  const { users, audit } = service;
  routes.get("/api/users", () => ({ json: users.list() }));
  routes.get("/api/users/{name}", ({ params }) => ({ json: users.view(params.name ?? "") }));
  routes.change("POST", "/api/users", async (route) => {
    const { name, ...change } = await readJson(route.request, createSchema, BODY_LIMIT_BYTES);
    const user = await users.create(name, change);
    audit.record("user.created", adminActor(route), { user: name, ...described(change) });
    return { status: 201, json: user };
  });
  routes.change("PATCH", "/api/users/{name}", async (route) => {
    const name = route.params.name ?? "";
    const change = await readJson(route.request, changeSchema, BODY_LIMIT_BYTES);
    const user = await users.update(name, change);
    audit.record("user.changed", adminActor(route), { user: name, ...described(change) });
    return { json: user };
  });
  routes.change("DELETE", "/api/users/{name}", async (route) => {
    const name = route.params.name ?? "";
    await users.remove(name);
    audit.record("user.removed", adminActor(route), { user: name });
    return {};
  });
  routes.change("POST", "/api/users/{name}/keys", async (route) => {
    const name = route.params.name ?? "";
    const key = await users.addKey(name);
    audit.record("key.created", adminActor(route), { user: name, accessKey: key.accessKey });
    return { status: 201, json: key };
  });
  routes.change("PATCH", "/api/users/{name}/keys/{accessKey}", async (route) => {
    const { name = "", accessKey = "" } = route.params;
    const { isEnabled } = await readJson(route.request, keyChangeSchema);
    await users.enableKey(name, accessKey, isEnabled);
    audit.record(isEnabled ? "key.enabled" : "key.disabled", adminActor(route), { user: name, accessKey });
    return { json: users.view(name) };
  });
  routes.change("DELETE", "/api/users/{name}/keys/{accessKey}", async (route) => {
    const { name = "", accessKey = "" } = route.params;
    await users.removeKey(name, accessKey);
    audit.record("key.removed", adminActor(route), { user: name, accessKey });
    return {};
  });
}

function described({ isEnabled, policies, limits }: UserChange) {
  return { isEnabled, policies, limits };
}
