import { useSignal } from "@preact/signals";
import { useEffect, useRef, useState } from "preact/hooks";
import type { Zone } from "../api/types.ts";
import {
  CORNERS,
  type Corner,
  describeZone,
  isWorthDrawing,
  moveZone,
  type Point,
  resizeZone,
  ZONE_LIMIT,
  zoneBetween,
} from "./privacy-zones.ts";

/** How edits leave the editor. */
export interface ZoneEdits {
  /** Shown while the pointer is down; `onFinish` or `onCancel` follows. */
  readonly onDrag: (zones: readonly Zone[]) => void;
  readonly onFinish: () => void;
  readonly onCancel: () => void;
  /** A step of the keyboard: saved when the keys have been quiet. */
  readonly onStep: (zones: readonly Zone[], index: number) => void;
  readonly onDelete: (index: number) => void;
}

interface ZoneEditorProps extends ZoneEdits {
  readonly zones: readonly Zone[];
  /** What is hidden just now; only shown. */
  readonly regions: readonly Zone[];
}

/** What the pointer is doing, and what it began with: each move is reckoned from there, so that errors do not add up. */
interface Gesture {
  readonly kind: "draw" | "move" | Corner;
  readonly from: Point;
  readonly zones: readonly Zone[];
  readonly index: number;
}

interface Size {
  readonly width: number;
  readonly height: number;
}

const STEP = 0.01;
const LONG_STEP = 0.05;

const ARROWS: Readonly<Record<string, Point>> = {
  ArrowLeft: { x: -1, y: 0 },
  ArrowRight: { x: 1, y: 0 },
  ArrowUp: { x: 0, y: -1 },
  ArrowDown: { x: 0, y: 1 },
};

const CORNER_NAMES: Readonly<Record<Corner, string>> = {
  nw: "left upper corner",
  ne: "right upper corner",
  sw: "left lower corner",
  se: "right lower corner",
};

/**
 * Rectangles over the picture. The pointer draws on free ground, moves a rectangle and pulls its corners; with the
 * keyboard, rectangles and the corners of the focused one take the arrow keys, Shift for long steps, Delete to remove.
 */
export function ZoneEditor(props: ZoneEditorProps) {
  const { zones, regions } = props;
  const ref = useRef<SVGSVGElement>(null);
  const size = useSize(ref);
  const selected = useSignal<number | undefined>(undefined);
  const pointer = usePointer(props, ref, (index) => {
    selected.value = index;
  });
  return (
    // biome-ignore lint/a11y/useSemanticElements: a fieldset is not a drawing; the rectangles are the controls.
    <svg
      ref={ref}
      class="zones"
      role="group"
      aria-label="Areas that are always hidden"
      viewBox={`0 0 ${size.width} ${size.height}`}
      {...pointer}
    >
      {regions.map((region, index) => (
        <rect key={index} class="zone-region" {...toPixels(region, size)} />
      ))}
      {zones.map((zone, index) => (
        <ZoneShape
          key={index}
          zone={zone}
          index={index}
          size={size}
          isSelected={selected.value === index}
          onSelect={() => {
            selected.value = index;
          }}
          onStep={(stepped) => props.onStep(zones.with(index, stepped), index)}
          onDelete={() => props.onDelete(index)}
        />
      ))}
    </svg>
  );
}

/** The pointer's side of the editor: one gesture at a time, from pointerdown to pointerup, Escape or a scroll. */
function usePointer(
  props: ZoneEditorProps,
  ref: { readonly current: SVGSVGElement | null },
  onSelect: (index: number) => void,
) {
  const gesture = useRef<Gesture | undefined>(undefined);
  const cancel = () => {
    if (gesture.current === undefined) return;
    gesture.current = undefined;
    props.onCancel();
  };
  const latest = useRef(cancel);
  latest.current = cancel;
  useEffect(() => {
    const onKeyDown = (event: KeyboardEvent) => {
      if (event.key === "Escape") latest.current();
    };
    document.addEventListener("keydown", onKeyDown);
    return () => document.removeEventListener("keydown", onKeyDown);
  }, []);
  return {
    onPointerDown: (event: PointerEvent) => {
      if (event.button !== 0 || gesture.current !== undefined || ref.current === null) return;
      const begun = beginGesture(event, props.zones, pointOf(event, ref.current));
      if (begun === undefined) return;
      props.onFinish(); // of what the keyboard did before
      gesture.current = begun;
      ref.current.setPointerCapture(event.pointerId);
      if (begun.kind !== "draw") onSelect(begun.index);
    },
    onPointerMove: (event: PointerEvent) => {
      if (gesture.current === undefined || ref.current === null) return;
      const zones = performGesture(gesture.current, pointOf(event, ref.current));
      if (zones !== undefined) props.onDrag(zones);
    },
    onPointerUp: (event: PointerEvent) => {
      const ended = gesture.current;
      if (ended === undefined || ref.current === null) return;
      const to = pointOf(event, ref.current);
      const isSlip =
        ended.kind === "draw" ? !isWorthDrawing(ended.from, to) : to.x === ended.from.x && to.y === ended.from.y;
      if (isSlip) return cancel();
      gesture.current = undefined;
      props.onFinish();
      onSelect(ended.index);
    },
    onPointerCancel: cancel,
    onTouchStart: (event: TouchEvent) => {
      // What is held must not scroll the page, whatever a browser makes of `touch-action` on parts of a drawing.
      if ((event.target as Element).closest("[data-zone]") !== null) event.preventDefault();
    },
  };
}

/** What a press begins; `undefined` on free ground when there is no room for one more zone. */
function beginGesture(event: PointerEvent, zones: readonly Zone[], from: Point): Gesture | undefined {
  const part = (event.target as Element).closest<SVGElement>("[data-zone]");
  if (part === null) return zones.length < ZONE_LIMIT ? { kind: "draw", from, zones, index: zones.length } : undefined;
  const index = Number(part.getAttribute("data-zone"));
  const corner = CORNERS.find((one) => one === part.getAttribute("data-corner"));
  return { kind: corner ?? "move", from, zones, index };
}

function performGesture({ kind, zones, index, from }: Gesture, to: Point): readonly Zone[] | undefined {
  if (kind === "draw") return isWorthDrawing(from, to) ? [...zones, zoneBetween(from, to)] : undefined;
  const zone = zones[index];
  if (zone === undefined) return undefined;
  const [dx, dy] = [to.x - from.x, to.y - from.y];
  return zones.with(index, kind === "move" ? moveZone(zone, dx, dy) : resizeZone(zone, kind, dx, dy));
}

/** Where the pointer is, as fractions of the picture; beyond it while it is held outside. */
function pointOf(event: PointerEvent, svg: SVGSVGElement): Point {
  const box = svg.getBoundingClientRect();
  return { x: (event.clientX - box.left) / box.width, y: (event.clientY - box.top) / box.height };
}

interface ZoneShapeProps {
  readonly zone: Zone;
  readonly index: number;
  readonly size: Size;
  readonly isSelected: boolean;
  readonly onSelect: () => void;
  readonly onStep: (zone: Zone) => void;
  readonly onDelete: () => void;
}

/**
 * `role="application"` hands the arrow keys to the element also where a screen reader would keep them. The number
 * fields beside the picture do the same without it. (`tabindex`, as the attribute is written: in SVG case matters.)
 */
function ZoneShape({ zone, index, size, isSelected, onSelect, onStep, onDelete }: ZoneShapeProps) {
  const box = toPixels(zone, size);
  const onKeyDown = (event: KeyboardEvent, corner?: Corner) => {
    const arrow = ARROWS[event.key];
    if (event.key === "Delete" || event.key === "Backspace") {
      event.preventDefault();
      onDelete();
    } else if (arrow !== undefined) {
      event.preventDefault();
      const step = event.shiftKey ? LONG_STEP : STEP;
      const [dx, dy] = [arrow.x * step, arrow.y * step];
      onStep(corner === undefined ? moveZone(zone, dx, dy) : resizeZone(zone, corner, dx, dy));
    }
  };
  return (
    <>
      {/* biome-ignore lint/a11y/noInteractiveElementToNoninteractiveRole: a drawn rectangle has no role of its own. */}
      <rect
        {...box}
        class={isSelected ? "zone zone-selected" : "zone"}
        role="application"
        aria-roledescription="hidden area"
        aria-label={`Area ${index + 1}: ${describeZone(zone)}`}
        tabindex={0}
        data-zone={index}
        onFocus={onSelect}
        onKeyDown={onKeyDown}
      />
      <text class="zone-number" x={box.x + 8} y={box.y + 18}>
        {index + 1}
      </text>
      {isSelected &&
        CORNERS.map((corner) => (
          // biome-ignore lint/a11y/noInteractiveElementToNoninteractiveRole: a drawn handle has no role of its own.
          <g
            key={corner}
            class={`zone-handle zone-handle-${corner}`}
            role="application"
            aria-roledescription="corner"
            aria-label={`Area ${index + 1}, ${CORNER_NAMES[corner]}`}
            tabindex={0}
            data-zone={index}
            data-corner={corner}
            onKeyDown={(event) => onKeyDown(event, corner)}
          >
            <circle class="zone-grip" r={16} {...cornerOf(box, corner)} />
            <circle class="zone-dot" r={6} {...cornerOf(box, corner)} />
          </g>
        ))}
    </>
  );
}

function toPixels(zone: Zone, size: Size) {
  const [x, y] = [zone.x * size.width, zone.y * size.height];
  return { x, y, width: zone.width * size.width, height: zone.height * size.height };
}

function cornerOf(box: ReturnType<typeof toPixels>, corner: Corner) {
  const cx = corner.endsWith("w") ? box.x : box.x + box.width;
  const cy = corner.startsWith("n") ? box.y : box.y + box.height;
  return { cx, cy };
}

/** Size of the drawing in CSS pixels: handles keep theirs whatever the picture's size is. */
function useSize(ref: { readonly current: SVGSVGElement | null }): Size {
  const [size, setSize] = useState<Size>({ width: 360, height: 640 });
  useEffect(() => {
    const element = ref.current;
    if (element === null) return;
    const observer = new ResizeObserver((entries) => {
      const box = entries[0]?.contentRect;
      if (box !== undefined && box.width > 0 && box.height > 0) setSize({ width: box.width, height: box.height });
    });
    observer.observe(element);
    return () => observer.disconnect();
  }, [ref]);
  return size;
}
