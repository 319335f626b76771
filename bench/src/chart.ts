/** One line of a chart; `x` rises. */
export interface ChartSeries {
  readonly name: string;
  readonly points: readonly { readonly x: number; readonly y: number }[];
}

export interface ChartOptions {
  readonly title: string;
  readonly xLabel: string;
  readonly yLabel: string;
  /** `logarithmic` leaves out points that are not above 0. */
  readonly yScale?: "linear" | "logarithmic";
  /** `logarithmic` if absent, with every x that occurs written below it; `linear` writes about ten of them. */
  readonly xScale?: "linear" | "logarithmic";
  /** How an x is written. */
  readonly xText?: (x: number) => string;
  readonly series: readonly ChartSeries[];
}

const WIDTH = 760;
const HEIGHT = 420;
const LEFT = 76;
const RIGHT = 170;
const TOP = 48;
const BOTTOM = 56;
/** Told apart by people who do not see all colours, on light and on dark paper. */
const COLORS = ["#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9"];

/** A line chart, unless asked otherwise with a logarithmic x axis and a linear y axis from 0, as an SVG document. */
export function lineChart(options: ChartOptions): string {
  const { title, xLabel, yLabel, yScale, xScale, xText = String, series } = options;
  const xs = [...new Set(series.flatMap(({ points }) => points.map(({ x }) => x)))].sort((a, b) => a - b);
  const ys = series.flatMap(({ points }) => points.map(({ y }) => y));
  const { shareOf, marks } = yScale === "logarithmic" ? logarithmicAxis(ys) : linearAxis(ys);
  const [first = 1] = xs;
  const along = xScale === "linear" ? (x: number) => x - first : (x: number) => Math.log(x / first);
  const span = along(xs.at(-1) ?? 1) || 1;
  const xOf = (x: number) => LEFT + ((WIDTH - LEFT - RIGHT) * along(x)) / span;
  const every = xScale === "linear" ? Math.ceil(xs.length / 10) : 1;
  const yOf = (y: number) => HEIGHT - BOTTOM - (HEIGHT - TOP - BOTTOM) * shareOf(y);
  const right = WIDTH - RIGHT;
  const parts = [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${HEIGHT}" font-family="sans-serif" font-size="13">`,
    `<rect width="${WIDTH}" height="${HEIGHT}" fill="#fff"/>`,
    `<text x="${LEFT}" y="26" font-size="16" fill="#222">${escapeXml(title)}</text>`,
    ...gridLines(marks, yOf, right),
    ...xs
      .filter((_, i) => i % every === 0)
      .map(
        (x) =>
          `<text x="${px(xOf(x))}" y="${HEIGHT - BOTTOM + 20}" text-anchor="middle" fill="#444">${escapeXml(xText(x))}</text>`,
      ),
    `<text x="${px((LEFT + right) / 2)}" y="${HEIGHT - 12}" text-anchor="middle" fill="#222">${escapeXml(xLabel)}</text>`,
    `<text transform="translate(18 ${px((TOP + HEIGHT - BOTTOM) / 2)}) rotate(-90)" text-anchor="middle" fill="#222">${escapeXml(yLabel)}</text>`,
    ...series.flatMap(({ name, points }, i) => {
      const shown = yScale === "logarithmic" ? points.filter(({ y }) => y > 0) : points;
      return seriesLines(name, shown, i, xOf, yOf);
    }),
    "</svg>",
  ];
  return `${parts.join("\n")}\n`;
}

/** A y axis: how far up a value is, 0 to 1, and which values are written beside it. */
interface Axis {
  readonly shareOf: (y: number) => number;
  readonly marks: readonly number[];
}

function linearAxis(ys: readonly number[]): Axis {
  const top = niceCeiling(Math.max(0, ...ys));
  return { shareOf: (y) => y / top, marks: [0, 0.25, 0.5, 0.75, 1].map((share) => top * share) };
}

function logarithmicAxis(ys: readonly number[]): Axis {
  const positive = ys.filter((y) => y > 0);
  const lowest = Math.floor(Math.log10(Math.min(1, ...positive)));
  const highest = Math.max(lowest + 1, Math.ceil(Math.log10(Math.max(...positive, 1))));
  return {
    shareOf: (y) => (Math.log10(y) - lowest) / (highest - lowest),
    marks: Array.from({ length: highest - lowest + 1 }, (_, i) => 10 ** (lowest + i)),
  };
}

function gridLines(marks: readonly number[], yOf: (y: number) => number, right: number): string[] {
  return marks.flatMap((mark) => {
    const y = px(yOf(mark));
    return [
      `<line x1="${LEFT}" x2="${right}" y1="${y}" y2="${y}" stroke="#ddd"/>`,
      `<text x="${LEFT - 8}" y="${y}" dy="4" text-anchor="end" fill="#444">${Number(mark.toPrecision(3))}</text>`,
    ];
  });
}

function seriesLines(
  name: string,
  points: ChartSeries["points"],
  index: number,
  xOf: (x: number) => number,
  yOf: (y: number) => number,
): string[] {
  const color = COLORS[index % COLORS.length];
  const dashes = index < COLORS.length ? "" : ' stroke-dasharray="6 4"';
  const line = points.map(({ x, y }) => `${px(xOf(x))},${px(yOf(y))}`).join(" ");
  const legendY = TOP + 10 + index * 22;
  return [
    `<polyline points="${line}" fill="none" stroke="${color}" stroke-width="2"${dashes}/>`,
    ...points.map(({ x, y }) => `<circle cx="${px(xOf(x))}" cy="${px(yOf(y))}" r="3.5" fill="${color}"/>`),
    `<line x1="${WIDTH - RIGHT + 14}" x2="${WIDTH - RIGHT + 38}" y1="${legendY}" y2="${legendY}" stroke="${color}" stroke-width="3"${dashes}/>`,
    `<text x="${WIDTH - RIGHT + 46}" y="${legendY}" dy="4" fill="#222">${escapeXml(name)}</text>`,
  ];
}

/** The next of 1, 2, 2.5, 5, 10, … so that quarters of it are short numbers. */
function niceCeiling(value: number): number {
  if (!(value > 0)) return 1;
  const unit = 10 ** Math.floor(Math.log10(value));
  return unit * ([1, 2, 2.5, 4, 5, 8, 10].find((step) => step * unit >= value) ?? 10);
}

function px(value: number): string {
  return value.toFixed(1);
}

/** Text as it may stand in XML and HTML. */
export function escapeXml(text: string): string {
  return text.replace(/&/g, "&amp;").replace(/</g, "&lt;").replace(/>/g, "&gt;").replace(/"/g, "&quot;");
}
