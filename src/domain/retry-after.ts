/** Longer than any form, even repeated three times. */
const MAX_CHARACTERS = 200;
const ZONE = String.raw`\s*(?<zone>GMT|UTC?|Z|[+-]\d{2}:?\d{2})?`;
const TIME = String.raw`(?<hour>\d{2}):(?<minute>\d{2}):(?<second>\d{2})`;
const FORMS = [
  // RFC 9110 section 5.6.7: IMF-fixdate, RFC 850 and asctime.
  String.raw`(?:[a-z]{3,9},?\s+)?(?<day>\d{1,2})[ -](?<month>[a-z]{3})[ -](?<year>\d{4}|\d{2})\s+${TIME}${ZONE}`,
  String.raw`[a-z]{3}\s+(?<month>[a-z]{3})\s+(?<day>\d{1,2})\s+${TIME}\s+(?<year>\d{4})${ZONE}`,
  // ISO 8601.
  String.raw`(?<year>\d{4})-(?<month>\d{2})-(?<day>\d{2})(?:[T ](?<hour>\d{2}):(?<minute>\d{2})(?::(?<second>\d{2})(?:[.,]\d+)?)?${ZONE})?`,
].map((form) => new RegExp(`^${form}$`, 'i'));
const MONTHS = ['jan', 'feb', 'mar', 'apr', 'may', 'jun', 'jul', 'aug', 'sep', 'oct', 'nov', 'dec'];
const MINUTE = 60_000;

/**
 * `Retry-After` as milliseconds from `now`: seconds (also with a fraction), an HTTP date or an ISO 8601 time. A date
 * without a zone is GMT. A repeated value counts once: repeated headers are joined with commas. Null where absent,
 * unreadable or past.
 */
export function parseRetryAfter(value: string | null, now: Date): number | null {
  if (value === null || value.length > MAX_CHARACTERS) return null;
  const text = once(value);
  const ms = /^(\d+\.?\d*|\.\d+)$/.test(text)
    ? Math.ceil(Number(text) * 1_000)
    : (parseDate(text, now) ?? NaN) - now.getTime();
  return ms > 0 ? ms : null;
}

/** The first of several equal values, which may contain one comma each: a date does. */
function once(value: string): string {
  const parts = value.split(',').map((part) => part.trim());
  const length = [1, 2].find((size) => parts.every((part, i) => part === parts[i % size]));
  return (length && parts.length % length === 0 ? parts.slice(0, length) : parts).join(', ');
}

function parseDate(text: string, now: Date): number | null {
  for (const form of FORMS) {
    const parts = form.exec(text)?.groups;
    if (!parts) continue;
    const { year = '', month = '', day, hour = 0, minute = 0, second = 0, zone = 'Z' } = parts;
    const monthIndex = /^\d/.test(month) ? Number(month) - 1 : MONTHS.indexOf(month.toLowerCase());
    const fullYear = year.length === 2 ? centuryOf(Number(year), now) : Number(year);
    const date = Date.UTC(fullYear, monthIndex, Number(day));
    // Date.UTC reads 31 February as 3 March, and month -1 as December.
    const isDate = monthIndex >= 0 && new Date(date).getUTCDate() === Number(day);
    if (!isDate || monthIndex > 11 || Number(hour) > 23 || Number(minute) > 59 || Number(second) > 60)
      return null;
    return date + (Number(hour) * 60 + Number(minute)) * MINUTE + Number(second) * 1_000 - offsetMs(zone);
  }
  return null;
}

/** RFC 9110 section 5.6.7: a two-digit year is at most 50 years ahead. */
function centuryOf(digits: number, now: Date): number {
  const thisYear = now.getUTCFullYear();
  const year = thisYear - (thisYear % 100) + digits;
  if (year > thisYear + 50) return year - 100;
  return year <= thisYear - 50 ? year + 100 : year;
}

function offsetMs(zone: string): number {
  const [, sign, hours, minutes] = /^([+-])(\d{2}):?(\d{2})$/.exec(zone) ?? [];
  const offset = (Number(hours ?? 0) * 60 + Number(minutes ?? 0)) * MINUTE;
  return sign === '-' ? -offset : offset;
}
