/**
 * Writes an instant as ISO 8601 in UTC with milliseconds, as EXT-X-PROGRAM-DATE-TIME wants it.
 * Written by hand since pure code has no `Date`; the calendar is the proleptic Gregorian one.
 *
 * @param epochMs Milliseconds since the Unix epoch, years 0 to 9999; a fraction is cut off.
 * @see RFC 8216bis §4.4.4.6
 */
export function formatDateTime(epochMs: number): string {
  const wholeMs = Math.floor(epochMs);
  const days = Math.floor(wholeMs / DAY_MS);
  const inDayMs = wholeMs - days * DAY_MS;
  // Days are counted from 0000-03-01, so that the leap day is the last of its year and eras of 400 years are equal.
  const shifted = days + 719_468;
  const era = Math.floor(shifted / 146_097);
  const dayOfEra = shifted - era * 146_097;
  const yearOfEra = Math.floor(
    (dayOfEra - Math.floor(dayOfEra / 1_460) + Math.floor(dayOfEra / 36_524) - Math.floor(dayOfEra / 146_096)) / 365,
  );
  const dayOfYear = dayOfEra - (365 * yearOfEra + Math.floor(yearOfEra / 4) - Math.floor(yearOfEra / 100));
  const marchMonth = Math.floor((5 * dayOfYear + 2) / 153);
  const day = dayOfYear - Math.floor((153 * marchMonth + 2) / 5) + 1;
  const month = marchMonth < 10 ? marchMonth + 3 : marchMonth - 9;
  const year = yearOfEra + era * 400 + (month <= 2 ? 1 : 0);
  const date = `${pad(year, 4)}-${pad(month, 2)}-${pad(day, 2)}`;
  const hours = Math.floor(inDayMs / 3_600_000);
  const minutes = Math.floor(inDayMs / 60_000) % 60;
  const seconds = Math.floor(inDayMs / 1_000) % 60;
  return `${date}T${pad(hours, 2)}:${pad(minutes, 2)}:${pad(seconds, 2)}.${pad(inDayMs % 1_000, 3)}Z`;
}

const DAY_MS = 86_400_000;

function pad(value: number, digits: number): string {
  return String(value).padStart(digits, "0");
}
