import type { Router } from "@kagami/kit";
import type { ObjectsConfig } from "../config.ts";
import type { Service } from "../service/service.ts";

export interface AdminRoutesParts {
  readonly config: ObjectsConfig;
  readonly service: Service;
}

/** The admin API. */
export function addAdminRoutes(_router: Router, _parts: AdminRoutesParts): void {}
