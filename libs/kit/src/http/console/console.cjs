"use strict";
// What the pages for operators have in common: `readSinglePage` writes it into each of them, before the page's own scripts,
// which use these names as they are. It is plain JavaScript since nothing builds those pages, and ends in .cjs so that tools
// read it as the script that it is, not as a module. A page has elements with the ids `sign-in` (a form), `token` (its
// input), `facts` and `notices`.
//
// Everything that comes from a server goes into a page as text, never as markup: names and keys are chosen by clients.

// Texts

/**
 * A number as people read it, `–` if there is none.
 * @param {number | null | undefined} value
 * @param {number} digits How many digits there may be behind the point.
 */
function number(value, digits = 0) {
  return value === undefined || value === null ? "–" : value.toLocaleString("en", { maximumFractionDigits: digits });
}

/** `1 key`, `2 keys`. @param {number} count @param {string} word */
function plural(count, word) {
  return `${number(count)} ${word}${count === 1 ? "" : "s"}`;
}

/** A size in the largest unit in which it is at least 1, `–` if there is none. @param {number | null | undefined} value */
function bytes(value) {
  if (value === undefined || value === null) return "–";
  const units = ["B", "KiB", "MiB", "GiB", "TiB"];
  let unit = 0;
  let rest = value;
  while (rest >= 1024 && unit < units.length - 1) {
    rest /= 1024;
    unit++;
  }
  return `${number(rest, rest < 10 && unit > 0 ? 1 : 0)} ${units[unit]}`;
}

/** A time in a unit in which it has two digits or more, `–` if there is none. @param {number | null | undefined} seconds */
function duration(seconds) {
  if (seconds === undefined || seconds === null) return "–";
  if (seconds < 120) return `${number(seconds, seconds < 10 ? 1 : 0)} s`;
  if (seconds < 7200) return `${number(seconds / 60)} min`;
  return seconds < 172_800 ? `${number(seconds / 3600)} h` : `${number(seconds / 86_400)} days`;
}

/** Marks what cannot be seen, or would turn the text around. @param {string} text */
function visible(text) {
  return text.replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu, (character) => `\\u{${character.codePointAt(0).toString(16)}}`);
}

// Elements

/** @param {string} id */
function byId(id) {
  return document.getElementById(id);
}

/**
 * Makes an element.
 * @param {string} name
 * @param {Record<string, unknown>} properties Properties, listeners (`onclick`) or else attributes; undefined ones are left out.
 * @param {...(Node | string | undefined)} children
 */
function element(name, properties, ...children) {
  const made = document.createElement(name);
  const { className, ...rest } = properties;
  if (className) made.className = className;
  for (const [key, value] of Object.entries(rest)) {
    if (value === undefined) continue;
    if (key.startsWith("on")) made.addEventListener(key.slice(2), value);
    else if (key in made && key !== "list" && key !== "sandbox") made[key] = value;
    else made.setAttribute(key, value);
  }
  for (const child of children) if (child !== undefined) made.append(child);
  return made;
}

/** What parts of the page show, as JSON. @type {WeakMap<Element, string>} */
const shownText = new WeakMap();

/**
 * Fills a part of the page if what it shows has changed; who had the focus keeps it.
 * @param {Element} part
 * @param {unknown} shown All that the children are made of.
 * @param {...(Node | string | undefined)} children
 */
function fill(part, shown, ...children) {
  const text = JSON.stringify(shown);
  if (shownText.get(part) === text) return;
  shownText.set(part, text);
  const focused = part.contains(document.activeElement) ? document.activeElement.id : "";
  part.replaceChildren(...children.filter((child) => child !== undefined));
  if (focused !== "") byId(focused)?.focus({ preventScroll: true });
}

/**
 * A table that can be scrolled with the keyboard.
 * @template Row
 * @param {string | undefined} caption
 * @param {{ title: string, value: (row: Row) => Node | string | undefined, isNumber?: boolean, className?: string }[]} columns
 * @param {Row[]} rows
 * @param {(row: Row) => string} classOf
 */
function table(caption, columns, rows, classOf = () => "") {
  const head = columns.map(({ title, isNumber }) =>
    element("th", { scope: "col", className: isNumber ? "number" : "" }, title),
  );
  const cell = (row, { value, isNumber, className = isNumber ? "number" : "" }) =>
    element("td", { className }, value(row) ?? "");
  const body = rows.map((row) =>
    element("tr", { className: classOf(row) }, ...columns.map((column) => cell(row, column))),
  );
  const region = caption === undefined ? {} : { tabIndex: 0, role: "region", "aria-label": caption };
  const title = caption === undefined ? undefined : element("caption", {}, caption);
  return element(
    "div",
    { className: "scroll", ...region },
    element("table", {}, title, element("thead", {}, element("tr", {}, ...head)), element("tbody", {}, ...body)),
  );
}

/** A named value of a list of facts (`dl`). @param {string} name @param {Node | string} value @param {string} className */
function fact(name, value, className = "") {
  return element("div", {}, element("dt", {}, name), element("dd", { className }, value));
}

/** @param {string} text */
function dim(text) {
  return element("p", { className: "dim" }, text);
}

/** @param {string} text @param {boolean} isBad */
function notice(text, isBad = true) {
  return element("p", { className: isBad ? "notice bad" : "notice" }, text);
}

// Asking

const TOKEN_KEY = "kagami-admin-token";
const POLL_MS = 2000;

/** The admin token; it lives as long as the tab. */
let token = sessionStorage.getItem(TOKEN_KEY) ?? "";

/** @param {string} text Empty to forget the token. */
function keepToken(text) {
  token = text;
  if (text === "") sessionStorage.removeItem(TOKEN_KEY);
  else sessionStorage.setItem(TOKEN_KEY, text);
}

/**
 * Asks the server.
 * @param {string} path
 * @param {string} method
 * @param {unknown} body Sent as JSON, unless undefined.
 * @returns {Promise<unknown>} What its JSON says, undefined if it says nothing.
 * @throws An Error with the `status` of an answer that is no success, and its message.
 */
async function ask(path, method = "GET", body = undefined) {
  const headers = token === "" ? {} : { authorization: `Bearer ${token}` };
  if (method !== "GET") headers["content-type"] = "application/json";
  const response = await fetch(path, { method, headers, body: body === undefined ? undefined : JSON.stringify(body) });
  const text = await response.text();
  if (response.ok) return text === "" ? undefined : JSON.parse(text);
  throw failure(response.status, text);
}

/** The error of an answer. @param {number} status @param {string} text */
function failure(status, text) {
  let message = `status ${status}`;
  try {
    message = JSON.parse(text).error.message ?? message;
  } catch {
    // Something between here and the server has answered; its status is all that it said.
  }
  return Object.assign(new Error(message), { status });
}

/** Shows the form that asks for the token. @returns {string} What there is to say of the token that was refused. */
function showSignIn() {
  byId("sign-in").hidden = false;
  byId("facts").textContent = "";
  return token === "" ? "" : "That token is not the right one.";
}

/** What there is to say where a server did not answer. @param {string} name @param {Error} error */
function silenceOf(name, error) {
  return `The ${name} does not answer: ${error.message}. What is shown may be out of date.`;
}

/**
 * Does `work` now and every two seconds, more rarely while nobody looks, and at once when a token was given.
 * @param {() => Promise<void>} work It throws nothing.
 * @returns {() => Promise<void>} Does it at once.
 */
function keepDoing(work) {
  let timer = 0;
  const poll = async () => {
    clearTimeout(timer);
    await work();
    clearTimeout(timer);
    timer = setTimeout(poll, document.hidden ? 5 * POLL_MS : POLL_MS);
  };
  byId("sign-in").addEventListener("submit", (event) => {
    event.preventDefault();
    keepToken(byId("token").value);
    void poll();
  });
  document.addEventListener("visibilitychange", () => {
    if (!document.hidden) void poll();
  });
  void poll();
  return poll;
}
