/** The calendar periods of boards. Weeks begin on Monday. */
export const PERIOD_KINDS = ["none", "hour", "day", "week", "month"] as const;

export type PeriodKind = (typeof PERIOD_KINDS)[number];

const HOUR_MS = 3_600_000;
const DAY_MS = 86_400_000;
/** 1970-01-01 was a Thursday. */
const DAYS_FROM_MONDAY = 3;

/** The number of the period in which a time lies; consecutive ones differ by 1. 0 if there are no periods. */
export function periodOf(kind: PeriodKind, timeMs: number, offsetMs: number): number {
  const localMs = timeMs + offsetMs;
  switch (kind) {
    case "none":
      return 0;
    case "hour":
      return Math.floor(localMs / HOUR_MS);
    case "day":
      return Math.floor(localMs / DAY_MS);
    case "week":
      return Math.floor((Math.floor(localMs / DAY_MS) + DAYS_FROM_MONDAY) / 7);
    case "month":
      return monthOf(Math.floor(localMs / DAY_MS));
  }
}

/** How a period is named in replies and may be named in calls: by its first hour, day or month. */
export function periodName(kind: PeriodKind, period: number): string {
  switch (kind) {
    case "none":
      return "all";
    case "hour":
      return `${dateOf(Math.floor(period / 24))}T${two(((period % 24) + 24) % 24)}`;
    case "day":
      return dateOf(period);
    case "week":
      return dateOf(7 * period - DAYS_FROM_MONDAY);
    case "month":
      return `${Math.floor(period / 12)}-${two((((period % 12) + 12) % 12) + 1)}`;
  }
}

const RELATIVE = /^(?:0|-[1-9]\d{0,4})$/;
const DATE = /^(\d{4})-(\d\d)(?:-(\d\d)(?:T(\d\d))?)?$/;

/**
 * The period that a text names: `0` for the running one, `-1` for the one before, or the one in which a date lies, such
 * as `2026-11-29`, `2026-11` or `2026-11-29T07`, in the board's time zone.
 *
 * @returns NaN if it names none.
 */
export function parsePeriod(text: string, kind: PeriodKind, current: number): number {
  if (RELATIVE.test(text)) return current + Number(text);
  const match = DATE.exec(text);
  if (match === null || kind === "none") return Number.NaN;
  const [year, month, day, hour] = match.slice(1).map((digits) => (digits === undefined ? -1 : Number(digits)));
  const days = daysOf(year!, month!, day! < 0 ? 1 : day!);
  if (month! < 1 || month! > 12 || day === 0 || hour! > 23) return Number.NaN;
  if (day! > 0 && dateOf(days) !== text.slice(0, 10)) return Number.NaN;
  return periodOf(kind, days * DAY_MS + Math.max(0, hour!) * HOUR_MS, 0);
}

/** Months since year 0 of a day since 1970. */
function monthOf(days: number): number {
  const [year, month] = civilOf(days);
  return 12 * year + month - 1;
}

function dateOf(days: number): string {
  const [year, month, day] = civilOf(days);
  return `${String(year).padStart(4, "0")}-${two(month)}-${two(day)}`;
}

function two(value: number): string {
  return String(value).padStart(2, "0");
}

/** Days of 400 years, of a year that begins in March and of its months: the leap day is the last of all. */
const ERA_DAYS = 146_097;
/** Days from 0000-03-01 to 1970-01-01. */
const EPOCH_DAYS = 719_468;

function civilOf(days: number): [year: number, month: number, day: number] {
  const shifted = days + EPOCH_DAYS;
  const era = Math.floor(shifted / ERA_DAYS);
  const dayOfEra = shifted - era * ERA_DAYS;
  const leapDays = Math.floor(dayOfEra / 1_460) - Math.floor(dayOfEra / 36_524) + Math.floor(dayOfEra / 146_096);
  const yearOfEra = Math.floor((dayOfEra - leapDays) / 365);
  const dayOfYear = dayOfEra - (365 * yearOfEra + Math.floor(yearOfEra / 4) - Math.floor(yearOfEra / 100));
  const marchMonth = Math.floor((5 * dayOfYear + 2) / 153);
  const day = dayOfYear - Math.floor((153 * marchMonth + 2) / 5) + 1;
  const month = marchMonth < 10 ? marchMonth + 3 : marchMonth - 9;
  return [yearOfEra + 400 * era + (month <= 2 ? 1 : 0), month, day];
}

function daysOf(year: number, month: number, day: number): number {
  const marchYear = month <= 2 ? year - 1 : year;
  const era = Math.floor(marchYear / 400);
  const yearOfEra = marchYear - 400 * era;
  const dayOfYear = Math.floor((153 * (month > 2 ? month - 3 : month + 9) + 2) / 5) + day - 1;
  const dayOfEra = 365 * yearOfEra + Math.floor(yearOfEra / 4) - Math.floor(yearOfEra / 100) + dayOfYear;
  return era * ERA_DAYS + dayOfEra - EPOCH_DAYS;
}
