import type { Page } from "playwright-core";

/** What is wrong with the page for somebody who cannot see it well: one line each. */
export function auditAccessibility(page: Page): Promise<string[]> {
  return page.evaluate(AUDIT);
}

/** Runs inside the page, so it is text: names, labels, headings, ids, and contrast of every visible text. */
const AUDIT = `(() => {
  const problems = [];
  const isVisible = (element) => element.checkVisibility({ opacityProperty: true, visibilityProperty: true });
  const describe = (element) => element.tagName.toLowerCase() + (element.className ? "." + element.className : "") + " '" + (element.textContent ?? "").trim().slice(0, 30) + "'";
  const nameOf = (element) => {
    const labelled = element.getAttribute("aria-labelledby");
    if (labelled) return labelled.split(" ").map((id) => document.getElementById(id)?.textContent ?? "").join(" ").trim();
    return (element.getAttribute("aria-label") ?? element.labels?.[0]?.textContent ?? element.textContent ?? "").trim();
  };
  for (const element of document.querySelectorAll("button, a[href], input, select, textarea, summary, dialog[open], section, nav, [role]")) {
    if (!isVisible(element)) continue;
    const role = element.getAttribute("role");
    if (role === "status" || role === "alert") continue;
    if (nameOf(element) === "") problems.push("no name: " + describe(element));
  }
  for (const element of document.querySelectorAll("button, a[href], input[type=range], [role=slider]")) {
    if (!isVisible(element) || element.closest(".skip-link")) continue;
    const box = element.getBoundingClientRect();
    if (element.tagName === "BUTTON" && (box.width < 24 || box.height < 24)) problems.push("too small: " + describe(element));
  }
  const ids = [...document.querySelectorAll("[id]")].map((element) => element.id);
  for (const id of new Set(ids)) if (ids.filter((other) => other === id).length > 1) problems.push("id twice: " + id);
  for (const attribute of ["aria-labelledby", "aria-describedby"]) {
    for (const element of document.querySelectorAll("[" + attribute + "]")) {
      for (const id of element.getAttribute(attribute).split(" ")) if (!ids.includes(id)) problems.push(attribute + " to nowhere: " + describe(element));
    }
  }
  const levels = [...document.querySelectorAll("h1, h2, h3, h4")].filter(isVisible).map((heading) => Number(heading.tagName[1]));
  if (levels.filter((level) => level === 1).length !== 1) problems.push("headings of level 1: " + levels.filter((level) => level === 1).length);
  levels.forEach((level, index) => { if (index > 0 && level > levels[index - 1] + 1) problems.push("heading level skipped to " + level); });
  if (document.documentElement.lang === "") problems.push("no language");
  if (document.querySelectorAll("main").length !== 1) problems.push("not one main");

  const canvas = document.createElement("canvas").getContext("2d", { willReadFrequently: true });
  const rgba = (color) => {
    canvas.clearRect(0, 0, 1, 1);
    canvas.fillStyle = color;
    canvas.fillRect(0, 0, 1, 1);
    const [r, g, b, a] = canvas.getImageData(0, 0, 1, 1).data;
    return [r, g, b, a / 255];
  };
  const over = (top, bottom) => [0, 1, 2].map((i) => top[i] * top[3] + bottom[i] * (1 - top[3])).concat(1);
  const luminance = ([r, g, b]) => {
    const [x, y, z] = [r, g, b].map((v) => (v / 255 <= 0.04045 ? v / 255 / 12.92 : ((v / 255 + 0.055) / 1.055) ** 2.4));
    return 0.2126 * x + 0.7152 * y + 0.0722 * z;
  };
  const backgroundOf = (element) => {
    const layers = [];
    for (let e = element; e; e = e.parentElement) {
      const style = getComputedStyle(e);
      if (style.backgroundImage !== "none") return undefined; // a gradient: judged by eye
      const color = rgba(style.backgroundColor);
      layers.push(color);
      if (color[3] === 1) break;
    }
    return layers.reverse().reduce((bottom, top) => over(top, bottom), [255, 255, 255, 1]);
  };
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) {
    const element = walker.currentNode.parentElement;
    if (!walker.currentNode.textContent.trim() || !element || !isVisible(element) || element.closest("script, noscript, svg, .visually-hidden, .skip-link")) continue;
    if (element.closest(":disabled")) continue;
    const background = backgroundOf(element);
    if (!background) continue;
    const style = getComputedStyle(element);
    const [a, b] = [luminance(over(rgba(style.color), background)), luminance(background)];
    const ratio = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
    const isLarge = parseFloat(style.fontSize) >= 24 || (parseFloat(style.fontSize) >= 18.66 && Number(style.fontWeight) >= 700);
    if (ratio < (isLarge ? 3 : 4.5)) problems.push("contrast " + ratio.toFixed(2) + ": " + describe(element));
  }
  return problems;
})()`;
