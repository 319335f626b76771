import { signal } from "@preact/signals";

/** `auto` follows the system. */
export type Theme = "auto" | "light" | "dark";

const STORAGE_KEY = "kagami.theme";
const ORDER: readonly Theme[] = ["auto", "light", "dark"];

/** The viewer's choice. */
export const theme = signal<Theme>("auto");

/** Applies the stored choice. Call it before the first render, so that nothing flashes. */
export function startTheme(): void {
  const stored = localStorage.getItem(STORAGE_KEY);
  apply(stored === "light" || stored === "dark" ? stored : "auto");
}

/** Goes on to the next of system, light, dark. */
export function nextTheme(): void {
  const chosen = ORDER[(ORDER.indexOf(theme.value) + 1) % ORDER.length] as Theme;
  localStorage.setItem(STORAGE_KEY, chosen);
  apply(chosen);
}

function apply(chosen: Theme): void {
  theme.value = chosen;
  if (chosen === "auto") delete document.documentElement.dataset.theme;
  else document.documentElement.dataset.theme = chosen;
}
