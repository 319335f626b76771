import { signal } from "@preact/signals";

/** The pages of the app. */
export type Route =
  | { readonly page: "directory" }
  | { readonly page: "watch"; readonly name: string }
  | { readonly page: "studio" }
  | { readonly page: "not-found" };

/** Reads a path of the address bar. A name that is not valid percent-encoding is not found. */
export function parseRoute(pathname: string): Route {
  const parts = pathname.split("/").filter((part) => part !== "");
  if (parts.length === 0) return { page: "directory" };
  if (parts.length === 1 && parts[0] === "studio") return { page: "studio" };
  if (parts.length === 2 && parts[0] === "watch") {
    try {
      return { page: "watch", name: decodeURIComponent(parts[1] as string) };
    } catch {
      return { page: "not-found" };
    }
  }
  return { page: "not-found" };
}

/** The page shown now. */
export const route = signal<Route>({ page: "directory" });

/** Follows the address bar and the links inside the app. Call it once, at the start. */
export function startRouter(): void {
  const read = () => {
    route.value = parseRoute(location.pathname);
  };
  window.addEventListener("popstate", read);
  document.addEventListener("click", (event) => {
    const link = (event.target as Element).closest("a");
    if (link === null || !isPlainClick(event) || link.origin !== location.origin) return;
    if (link.target !== "" || link.hasAttribute("download")) return;
    if (parseRoute(link.pathname).page === "not-found") return;
    event.preventDefault();
    history.pushState(null, "", link.href);
    read();
    window.scrollTo(0, 0);
  });
  read();
}

function isPlainClick(event: MouseEvent): boolean {
  return event.button === 0 && !event.metaKey && !event.ctrlKey && !event.shiftKey && !event.altKey;
}
