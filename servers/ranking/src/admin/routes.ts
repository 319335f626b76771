import { checkAdminAccess, type RouteRequest, type Router, readSinglePage } from "@kagami/kit";
import { describeBoards, describeOneBoard } from "./board-views.ts";
import {
  type AdminParts,
  describeClients,
  describeKeys,
  describeSlowLog,
  describeStatus,
  describeWindows,
} from "./views.ts";

/** The live page and the API that it asks; nothing of it changes anything. */
export function addAdminRoutes(router: Router, parts: AdminParts): void {
  const { engine, history, config } = parts;
  const page = readSinglePage(new URL("./live-page.html", import.meta.url));
  const get = (path: string, describe: (route: RouteRequest) => unknown): void => {
    router.add("GET", path, (route) => {
      checkAdminAccess(route.request, config.adminToken);
      return { json: describe(route) };
    });
  };
  router.add("GET", "/", () => page);
  get("/api/status", () => describeStatus(parts));
  get("/api/history", ({ query }) => {
    const sinceMs = Number(query.get("since") ?? 0);
    return history.points.filter(({ atMs }) => atMs > sinceMs);
  });
  get("/api/boards", () => describeBoards(engine));
  get("/api/board", ({ query }) => describeOneBoard(engine, query));
  get("/api/windows", () => describeWindows(engine));
  get("/api/keys", () => describeKeys(engine));
  get("/api/slow-log", () => describeSlowLog(engine));
  get("/api/clients", () => describeClients(engine));
}
