import { signal } from "@preact/signals";

const STORAGE_KEY = "kagami.studio.key";

/** The stream key of this tab; gone when the tab closes. `undefined` while signed out. */
export const sessionKey = signal<string | undefined>(undefined);

/** Reads `#key=...`. @returns `undefined` when there is none. */
export function parseKeyFragment(fragment: string): string | undefined {
  const key = new URLSearchParams(fragment.replace(/^#/, "")).get("key");
  return key === null || key === "" ? undefined : key;
}

/** Takes the key from the address, which is then cleaned so that it is not shared by accident, or from the tab. */
export function restoreSession(): void {
  const given = parseKeyFragment(location.hash);
  if (given !== undefined) {
    history.replaceState(null, "", location.pathname + location.search);
    signIn(given);
    return;
  }
  sessionKey.value = sessionStorage.getItem(STORAGE_KEY) ?? undefined;
}

export function signIn(key: string): void {
  sessionStorage.setItem(STORAGE_KEY, key);
  sessionKey.value = key;
}

export function signOut(): void {
  sessionStorage.removeItem(STORAGE_KEY);
  sessionKey.value = undefined;
}
