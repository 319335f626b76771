import { useEffect, useRef, useState } from "preact/hooks";
import {
  type ChartPoint,
  describeSeries,
  nearestIndex,
  scaleLinear,
  type ValueAxis,
  valueAxis,
} from "./chart-scale.ts";

interface LineChartProps {
  readonly title: string;
  readonly unit: string;
  readonly points: readonly ChartPoint[];
  readonly format: (value: number) => string;
}

const HEIGHT = 132;
const TOP = 8;
const BOTTOM = 20;
const LEFT = 44;
const RIGHT = 8;
const SPAN_MS = 120_000;
const TABLE_ROWS = 12;

/**
 * A small line chart of the last two minutes. The pointer or the arrow keys pick a point; its value is read out below
 * the title, and a table holds the same in text.
 */
export function LineChart({ title, unit, points, format }: LineChartProps) {
  const ref = useRef<SVGSVGElement>(null);
  const width = useWidth(ref);
  const [picked, setPicked] = useState<number | undefined>(undefined);
  const endMs = points.at(-1)?.atMs ?? 0;
  const axis = valueAxis(
    points.map((point) => point.value),
    3,
  );
  const x = (atMs: number) => scaleLinear(atMs, endMs - SPAN_MS, endMs, LEFT, width - RIGHT);
  const y = (value: number) => scaleLinear(value, 0, axis.max, HEIGHT - BOTTOM, TOP);
  const index = picked === undefined ? points.length - 1 : nearestIndex(points, picked);
  const shown = points[index];
  const move = (step: number) => setPicked(points[Math.min(points.length - 1, Math.max(0, index + step))]?.atMs);
  return (
    <figure class="chart">
      <figcaption>
        <span>{title}</span>
        <output class="mono" aria-live="off">
          {shown === undefined ? "–" : `${format(shown.value)} ${unit}`}
          {picked !== undefined && shown !== undefined && (
            <span class="chart-when"> {Math.round((shown.atMs - endMs) / 1000)} s</span>
          )}
        </output>
      </figcaption>
      <div
        class="chart-plot"
        role="slider"
        tabIndex={0}
        aria-label={describeSeries(title, unit, points, format)}
        aria-valuemin={-SPAN_MS / 1000}
        aria-valuemax={0}
        aria-valuenow={shown === undefined ? 0 : Math.round((shown.atMs - endMs) / 1000)}
        aria-valuetext={shown === undefined ? "no value" : `${format(shown.value)} ${unit}`}
        onPointerMove={(event) => {
          const offset = event.clientX - event.currentTarget.getBoundingClientRect().left;
          setPicked(scaleLinear(offset, LEFT, width - RIGHT, endMs - SPAN_MS, endMs));
        }}
        onPointerLeave={() => setPicked(undefined)}
        onBlur={() => setPicked(undefined)}
        onKeyDown={(event) => {
          if (event.key !== "ArrowLeft" && event.key !== "ArrowRight") return;
          event.preventDefault();
          move(event.key === "ArrowLeft" ? -1 : 1);
        }}
      >
        <svg ref={ref} viewBox={`0 0 ${width} ${HEIGHT}`} height={HEIGHT} aria-hidden="true">
          <Axes axis={axis} width={width} y={y} format={format} />
          <Line points={points} x={x} y={y} />
          {picked !== undefined && shown !== undefined && (
            <g class="chart-pick">
              <line x1={x(shown.atMs)} x2={x(shown.atMs)} y1={TOP} y2={HEIGHT - BOTTOM} />
              <circle cx={x(shown.atMs)} cy={y(shown.value)} r="4" />
            </g>
          )}
        </svg>
      </div>
      <SeriesTable title={title} unit={unit} points={points} format={format} />
    </figure>
  );
}

function Axes(props: {
  axis: ValueAxis;
  width: number;
  y: (value: number) => number;
  format: (value: number) => string;
}) {
  const { axis, width, y, format } = props;
  return (
    <g class="chart-axes">
      {axis.ticks.map((tick) => (
        <g key={tick}>
          <line x1={LEFT} x2={width - RIGHT} y1={y(tick)} y2={y(tick)} />
          <text x={LEFT - 6} y={y(tick) + 4} text-anchor="end">
            {format(tick)}
          </text>
        </g>
      ))}
      <text x={LEFT} y={HEIGHT - 4}>
        −2 min
      </text>
      <text x={(LEFT + width - RIGHT) / 2} y={HEIGHT - 4} text-anchor="middle">
        −1 min
      </text>
      <text x={width - RIGHT} y={HEIGHT - 4} text-anchor="end">
        now
      </text>
    </g>
  );
}

function Line(props: { points: readonly ChartPoint[]; x: (atMs: number) => number; y: (value: number) => number }) {
  const { points, x, y } = props;
  const [first] = points;
  const last = points.at(-1);
  if (first === undefined || last === undefined) return null;
  const line = points.map((point) => `${x(point.atMs).toFixed(1)},${y(point.value).toFixed(1)}`).join(" ");
  const base = HEIGHT - BOTTOM;
  return (
    <g class="chart-line">
      <polygon points={`${x(first.atMs).toFixed(1)},${base} ${line} ${x(last.atMs).toFixed(1)},${base}`} />
      <polyline points={line} />
    </g>
  );
}

function SeriesTable({ title, unit, points, format }: LineChartProps) {
  const endMs = points.at(-1)?.atMs ?? 0;
  const every = Math.max(1, Math.ceil(points.length / TABLE_ROWS));
  const rows = points.filter((_, index) => (points.length - 1 - index) % every === 0);
  return (
    <details class="chart-table">
      <summary>
        Values<span class="visually-hidden"> of {title}</span>
      </summary>
      <table>
        <thead>
          <tr>
            <th scope="col">Seconds ago</th>
            <th scope="col">{unit}</th>
          </tr>
        </thead>
        <tbody>
          {rows.map((point) => (
            <tr key={point.atMs}>
              <td>{Math.round((endMs - point.atMs) / 1000)}</td>
              <td>{format(point.value)}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </details>
  );
}

/** Width of the element in CSS pixels, so that text in the drawing keeps its size. */
function useWidth(ref: { readonly current: SVGSVGElement | null }): number {
  const [width, setWidth] = useState(320);
  useEffect(() => {
    const element = ref.current;
    if (element === null) return;
    const observer = new ResizeObserver((entries) => {
      const measured = entries[0]?.contentRect.width ?? 0;
      if (measured > 0) setWidth(Math.round(measured));
    });
    observer.observe(element);
    return () => observer.disconnect();
  }, [ref]);
  return width;
}
