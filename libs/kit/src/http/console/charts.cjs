"use strict";
// Line charts of the last ten minutes. They stand behind console.js in the page, and use it.

/**
 * What a chart shows.
 * @typedef {object} Chart
 * @property {string} id
 * @property {string} title
 * @property {string} unit Written behind a value.
 * @property {(point: Point) => number | undefined} value
 * @property {(value: number) => string} format
 * @property {number} [highest] The value at the upper edge, the highest of all if absent.
 *
 * @typedef {{ atMs: number }} Point What the server has measured at a moment, in ms since 1970.
 */

const SPAN_MS = 600_000;
const PLOT = { width: 320, height: 110, left: 4, right: 4, top: 14, bottom: 16 };

/** What the charts show, the newest last. @type {Point[]} */
const points = [];

/** Takes the points that are newer than those there are; what is older than ten minutes goes. @param {Point[]} news */
function addPoints(news) {
  const lastMs = points.at(-1)?.atMs ?? 0;
  points.push(...news.filter(({ atMs }) => atMs > lastMs));
  while (points.length > 0 && points[0].atMs < points.at(-1).atMs - SPAN_MS) points.shift();
}

/** The index of the point that is nearest to a moment, of the last one if there is no moment, -1 if there are no points. */
function nearest(own, atMs) {
  if (atMs === undefined) return own.length - 1;
  let best = -1;
  for (let i = 0; i < own.length; i++) {
    if (best < 0 || Math.abs(own[i].atMs - atMs) <= Math.abs(own[best].atMs - atMs)) best = i;
  }
  return best;
}

/** The moment at a share of the width of the plot. @param {number} share @param {number} endMs The moment at its right. */
function momentAt(share, endMs) {
  const { width, left, right } = PLOT;
  return endMs - SPAN_MS + ((share * width - left) / (width - left - right)) * SPAN_MS;
}

/** Where a moment and a value are in the plot. @param {number} highest The value at its upper edge. @param {number} endMs */
function scaleOf(highest, endMs) {
  const { width, height, left, right, top, bottom } = PLOT;
  return {
    x: (atMs) => left + ((atMs - endMs + SPAN_MS) / SPAN_MS) * (width - left - right),
    y: (value) => height - bottom - (value / highest) * (height - top - bottom),
  };
}

/** Every so manieth of many values, so that there are twelve at most, with the last. @template T @param {T[]} all */
function twelveOf(all) {
  const every = Math.max(1, Math.ceil(all.length / 12));
  return all.filter((_, index) => (all.length - 1 - index) % every === 0);
}

/** @param {Chart} chart @param {number} value */
function textOf(chart, value) {
  return `${chart.format(value)}${chart.unit}`;
}

/** What a chart shows, in words. @param {Chart} chart @param {Point[]} own Those that have a value. */
function describe(chart, own) {
  if (own.length === 0) return `${chart.title}: no values yet`;
  const values = own.map((point) => chart.value(point));
  const [now, lowest, highest] = [values.at(-1), Math.min(...values), Math.max(...values)].map((value) =>
    textOf(chart, value),
  );
  return `${chart.title}: now ${now}, lowest ${lowest}, highest ${highest} in the last ten minutes`;
}

/** Makes an element of a drawing. @param {string} name @param {Record<string, string | number>} attributes @param {string} [text] */
function shape(name, attributes, text) {
  const made = document.createElementNS("http://www.w3.org/2000/svg", name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  if (text !== undefined) made.textContent = text;
  return made;
}

/**
 * A line chart of `points`. The pointer or the arrow keys pick a point, whose value is read out; a table has the same.
 * @param {Chart} chart
 * @returns {{ figure: Element, draw: () => void }} `draw` shows the points that there are now.
 */
function makeChart(chart) {
  const output = element("output", { "aria-live": "off" }, "–");
  const svg = shape("svg", {
    viewBox: `0 0 ${PLOT.width} ${PLOT.height}`,
    preserveAspectRatio: "none",
    "aria-hidden": "true",
  });
  const plot = element("div", { className: "plot", role: "slider", tabIndex: 0, id: `chart-${chart.id}` }, svg);
  plot.setAttribute("aria-valuemin", "-600");
  plot.setAttribute("aria-valuemax", "0");
  const title = `Values of ${chart.title.toLowerCase()}`;
  const values = element("details", {}, element("summary", {}, title), element("div", {}));
  let picked;
  const known = () => points.filter((point) => chart.value(point) !== undefined);
  const endMs = () => points.at(-1)?.atMs ?? 0;
  const pick = (atMs) => {
    picked = atMs;
    draw();
  };
  plot.addEventListener("pointermove", (event) => {
    const box = plot.getBoundingClientRect();
    pick(momentAt((event.clientX - box.left) / box.width, endMs()));
  });
  plot.addEventListener("pointerleave", () => pick(undefined));
  plot.addEventListener("blur", () => pick(undefined));
  plot.addEventListener("keydown", (event) => {
    if (event.key !== "ArrowLeft" && event.key !== "ArrowRight") return;
    event.preventDefault();
    const own = known();
    const index = nearest(own, picked) + (event.key === "ArrowLeft" ? -1 : 1);
    pick(own[Math.min(own.length - 1, Math.max(0, index))]?.atMs);
  });
  values.addEventListener("toggle", () => draw());

  function draw() {
    const own = known();
    const shown = own[nearest(own, picked)];
    const text = shown === undefined ? "no value yet" : textOf(chart, chart.value(shown));
    const secondsAgo = shown === undefined ? 0 : Math.round((endMs() - shown.atMs) / 1000);
    output.replaceChildren(
      text,
      ...(picked === undefined ? [] : [element("span", { className: "chart-when" }, ` ${-secondsAgo} s`)]),
    );
    plot.setAttribute("aria-label", describe(chart, own));
    plot.setAttribute("aria-valuenow", String(-secondsAgo));
    plot.setAttribute("aria-valuetext", `${text}, ${secondsAgo} seconds ago`);
    drawLines(svg, chart, own, endMs(), picked === undefined ? undefined : shown);
    if (!values.open) return;
    values.lastChild.replaceChildren(
      table(
        title,
        [
          { title: "Seconds ago", isNumber: true, value: (point) => number(Math.round((endMs() - point.atMs) / 1000)) },
          { title: chart.title, isNumber: true, value: (point) => textOf(chart, chart.value(point)) },
        ],
        twelveOf(own),
      ),
    );
  }
  return {
    figure: element("figure", {}, element("figcaption", {}, element("span", {}, chart.title), output), plot, values),
    draw,
  };
}

function drawLines(svg, chart, own, endMs, picked) {
  const { width, height, left, right, top, bottom } = PLOT;
  const highest = chart.highest ?? Math.max(1e-6, ...own.map((point) => chart.value(point)));
  const { x, y } = scaleOf(highest, endMs);
  const parts = [0, 0.5, 1].map((share) =>
    shape("line", { class: "grid", x1: left, x2: width - right, y1: y(share * highest), y2: y(share * highest) }),
  );
  if (own.length > 0) {
    const line = own.map((point) => `${x(point.atMs).toFixed(1)},${y(chart.value(point)).toFixed(1)}`).join(" ");
    const [first, last] = [own[0], own.at(-1)].map(({ atMs }) => `${x(atMs).toFixed(1)},${y(0)}`);
    parts.push(shape("polygon", { class: "area", points: `${first} ${line} ${last}` }));
    parts.push(shape("polyline", { class: "curve", points: line }));
  }
  if (picked !== undefined)
    parts.push(shape("line", { class: "pick", x1: x(picked.atMs), x2: x(picked.atMs), y1: top, y2: height - bottom }));
  parts.push(shape("text", { x: left, y: 10 }, own.length === 0 ? "" : textOf(chart, highest)));
  parts.push(shape("text", { x: left, y: height - 3 }, "−10 min"));
  parts.push(shape("text", { x: width - right, y: height - 3, "text-anchor": "end" }, "now"));
  svg.replaceChildren(...parts);
}
