import type { Browser, Page } from "playwright-core";

/** A page for operators that is looked at, and all that is wrong with it so far. */
export interface ConsolePage {
  readonly page: Page;
  /** Errors of its scripts, what its policy refused, and what it loaded from anywhere but its server. */
  readonly problems: readonly string[];
}

/**
 * Opens an empty tab for the page for operators of a server.
 *
 * @param origin Of its server, as `http://127.0.0.1:9000`.
 * @param timeoutMs How long the tab waits for what it is asked for.
 */
export async function openConsolePage(browser: Browser, origin: string, timeoutMs: number): Promise<ConsolePage> {
  const problems: string[] = [];
  const page = await browser.newPage();
  page.setDefaultTimeout(timeoutMs);
  page.on("pageerror", (error) => problems.push(error.message));
  page.on("console", (message) => {
    if (/Content.Security.Policy/i.test(message.text())) problems.push(message.text());
  });
  page.on("request", (asked) => {
    if (!asked.url().startsWith(`${origin}/`)) problems.push(`it loads ${asked.url()}`);
  });
  return { page, problems };
}

/** Goes to a page for operators and gives it the token. */
export async function signInToConsole(page: Page, url: string, token: string): Promise<void> {
  await page.goto(url);
  await page.getByLabel("Admin token").fill(token);
  await page.getByRole("button", { name: "Show" }).click();
}

/** The seen controls and regions of a page that a screen reader could not name, as HTML. */
export function findUnnamed(page: Page): Promise<string[]> {
  return page.evaluate<string[]>(UNNAMED);
}

/** Runs inside the page. */
const UNNAMED = `[...document.querySelectorAll("button, input, select, textarea, iframe, progress, [role=slider], [role=region], section, nav")]
  .filter((element) => element.checkVisibility())
  .filter((element) => (element.getAttribute("aria-label") || element.title || (element.matches("select, textarea") ? "" : element.textContent.trim())) === "" && !element.labels?.length)
  .map((element) => element.outerHTML)`;
