import { type CivilTime, civilOfMs, msOfCivil } from "@kagami/clock";

const MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
const WEEKDAYS = ["Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"];

const IMF_FIXDATE = /^[A-Z][a-z]{2}, (\d{2}) ([A-Z][a-z]{2}) (\d{4}) (\d{2}):(\d{2}):(\d{2}) (?:GMT|UTC|[+-]0000)$/;
const RFC_850 = /^[A-Z][a-z]{5,8}, (\d{2})-([A-Z][a-z]{2})-(\d{2}) (\d{2}):(\d{2}):(\d{2}) GMT$/;
const ASCTIME = /^[A-Z][a-z]{2} ([A-Z][a-z]{2}) ([ \d]\d) (\d{2}):(\d{2}):(\d{2}) (\d{4})$/;
const ISO_8601 = /^(\d{4})-(\d{2})-(\d{2})T(\d{2}):(\d{2}):(\d{2})(?:\.(\d{1,9}))?Z$/;

/** `Sun, 06 Nov 1994 08:49:37 GMT`; milliseconds are cut. @see RFC 9110 §5.6.7 */
export function formatHttpDate(ms: number): string {
  const time = civilOfMs(ms);
  const date = `${WEEKDAYS[time.weekday]}, ${two(time.day)} ${MONTHS[time.month - 1]} ${time.year}`;
  return `${date} ${two(time.hour)}:${two(time.minute)}:${two(time.second)} GMT`;
}

/** `20130524T000000Z`, as signatures write times. */
export function formatAmzDate(ms: number): string {
  const time = civilOfMs(ms);
  return `${amzDay(time)}T${two(time.hour)}${two(time.minute)}${two(time.second)}Z`;
}

function amzDay(time: CivilTime): string {
  return `${time.year}${two(time.month)}${two(time.day)}`;
}

/** Reads the three forms of HTTP; undefined of anything else. In ms since 1970. @see RFC 9110 §5.6.7 */
export function parseHttpDate(text: string): number | undefined {
  const fixed = IMF_FIXDATE.exec(text);
  if (fixed) return fromParts(fixed[3], monthOf(fixed[2]), fixed[1], fixed[4], fixed[5], fixed[6]);
  const old = RFC_850.exec(text);
  // Two digits of a year: S3 was born in 2006, so no date of a client is of the last century.
  if (old) return fromParts(`20${old[3]}`, monthOf(old[2]), old[1], old[4], old[5], old[6]);
  const asctime = ASCTIME.exec(text);
  if (asctime) return fromParts(asctime[6], monthOf(asctime[1]), asctime[2], asctime[3], asctime[4], asctime[5]);
  return undefined;
}

/** Reads `2013-05-24T00:00:00[.000]Z`; undefined of anything else. In ms since 1970. */
export function parseIsoDate(text: string): number | undefined {
  const parts = ISO_8601.exec(text);
  if (parts === null) return undefined;
  const ms = fromParts(parts[1], parts[2], parts[3], parts[4], parts[5], parts[6]);
  return ms === undefined ? undefined : ms + Math.floor(Number(`0.${parts[7] ?? "0"}`) * 1_000 + 1e-6);
}

/** Reads `20130524T000000Z`; undefined of anything else. In ms since 1970. Runs on every signed request. */
export function parseAmzDate(text: string): number | undefined {
  // `T` and `Z`
  if (text.length !== 16 || text.charCodeAt(8) !== 0x54 || text.charCodeAt(15) !== 0x5a) return undefined;
  return msOfCivil(
    twoDigits(text, 0) * 100 + twoDigits(text, 2),
    twoDigits(text, 4),
    twoDigits(text, 6),
    twoDigits(text, 9),
    twoDigits(text, 11),
    twoDigits(text, 13),
  );
}

/** The number of two digits; NaN if one is none. */
function twoDigits(text: string, at: number): number {
  const tens = text.charCodeAt(at) - 0x30;
  const ones = text.charCodeAt(at + 1) - 0x30;
  return tens >= 0 && tens <= 9 && ones >= 0 && ones <= 9 ? tens * 10 + ones : Number.NaN;
}

type Digits = string | number | undefined;

function fromParts(year: Digits, month: Digits, day: Digits, hour: Digits, minute: Digits, second: Digits) {
  return msOfCivil(Number(year), Number(month), Number(day), Number(hour), Number(minute), Number(second));
}

function monthOf(name: string | undefined): number {
  return MONTHS.indexOf(name ?? "") + 1;
}

function two(value: number): string {
  return value < 10 ? `0${value}` : String(value);
}
