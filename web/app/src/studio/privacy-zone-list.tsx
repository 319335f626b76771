import { useSignal } from "@preact/signals";
import { useEffect, useId, useRef } from "preact/hooks";
import type { Zone } from "../api/types.ts";
import { nextZone, toPercent, withPercent, ZONE_LIMIT } from "./privacy-zones.ts";

interface ZoneListProps {
  readonly zones: readonly Zone[];
  /** The blur is off, and with it the areas. */
  readonly isIdle: boolean;
  readonly onChange: (zones: readonly Zone[], said: string) => void;
  readonly onDelete: (index: number) => void;
}

const SIDES: readonly (readonly [keyof Zone, string])[] = [
  ["x", "Left"],
  ["y", "Top"],
  ["width", "Width"],
  ["height", "Height"],
];

/** The areas as numbers: for exact values, and for those who do not draw. */
export function ZoneList({ zones, isIdle, onChange, onDelete }: ZoneListProps) {
  const id = useId();
  const addButton = useRef<HTMLButtonElement>(null);
  const count = useRef(zones.length);
  useEffect(() => {
    // Deleting takes the focused button away; the focus must not fall back to the top of the page.
    if (zones.length < count.current && document.activeElement === document.body) addButton.current?.focus();
    count.current = zones.length;
  }, [zones.length]);
  const isFull = zones.length >= ZONE_LIMIT;
  return (
    <div class="zone-list">
      <h3 id={`${id}-heading`}>Always hidden</h3>
      <p class="hint">
        Draw on the picture, or add an area and set it here. Areas are moved and resized with the arrow keys too; Shift
        makes longer steps.
      </p>
      {isIdle && zones.length > 0 && (
        <p class="notice notice-warning">The blur is off: viewers see these areas until you switch it on.</p>
      )}
      <ul aria-labelledby={`${id}-heading`}>
        {zones.map((zone, index) => (
          <li key={index}>
            <ZoneFields
              zone={zone}
              number={index + 1}
              onChange={(changed) => onChange(zones.with(index, changed), `Area ${index + 1} saved`)}
              onDelete={() => onDelete(index)}
            />
          </li>
        ))}
      </ul>
      <button
        ref={addButton}
        type="button"
        class="button"
        aria-disabled={isFull}
        aria-describedby={`${id}-limit`}
        onClick={() => {
          if (!isFull) onChange([...zones, nextZone(zones)], `Area ${zones.length + 1} added`);
        }}
      >
        Add an area
      </button>
      <p class="hint" id={`${id}-limit`}>
        {isFull ? `All ${ZONE_LIMIT} areas are in use. Delete one to add another.` : `${zones.length} of ${ZONE_LIMIT}`}
      </p>
    </div>
  );
}

interface ZoneFieldsProps {
  readonly zone: Zone;
  readonly number: number;
  readonly onChange: (zone: Zone) => void;
  readonly onDelete: () => void;
}

function ZoneFields({ zone, number, onChange, onDelete }: ZoneFieldsProps) {
  return (
    <fieldset class="zone-fields">
      <legend>Area {number}, in percent</legend>
      <div class="zone-numbers">
        {SIDES.map(([side, label]) => (
          <PercentField
            key={side}
            label={label}
            value={toPercent(zone[side])}
            onType={(percent) => {
              const changed = withPercent(zone, side, percent);
              if (changed[side] !== zone[side]) onChange(changed);
            }}
          />
        ))}
      </div>
      <button type="button" class="button" onClick={onDelete}>
        Delete <span class="visually-hidden">area {number}</span>
      </button>
    </fieldset>
  );
}

interface PercentFieldProps {
  readonly label: string;
  readonly value: number;
  readonly onType: (percent: number) => void;
}

/** What is being typed is kept apart: the panel is drawn anew several times a second. */
function PercentField({ label, value, onType }: PercentFieldProps) {
  const typed = useSignal<string | undefined>(undefined);
  return (
    <label>
      {label}
      <input
        type="number"
        min={0}
        max={100}
        step="any"
        inputMode="decimal"
        value={typed.value ?? String(value)}
        onInput={(event) => {
          typed.value = event.currentTarget.value;
        }}
        onChange={(event) => {
          typed.value = undefined;
          onType(event.currentTarget.valueAsNumber);
        }}
        onBlur={() => {
          typed.value = undefined;
        }}
      />
    </label>
  );
}
