const COUNT = new Intl.NumberFormat('en');
const SHORT = new Intl.NumberFormat('en', { notation: 'compact', maximumFractionDigits: 1 });
const TIME = new Intl.DateTimeFormat(undefined, {
  hour: '2-digit',
  minute: '2-digit',
  second: '2-digit',
  hourCycle: 'h23',
});
const DATE_TIME = new Intl.DateTimeFormat(undefined, {
  dateStyle: 'medium',
  timeStyle: 'medium',
  hourCycle: 'h23',
});

/** `12,345` */
export const count = (value: number): string => COUNT.format(value);

/** `12.3K` above 9,999: for figures in little room. */
export const shortCount = (value: number): string =>
  value < 10_000 ? COUNT.format(value) : SHORT.format(value);

/** `850 ms`, `4.2 s`, `3 min 20 s`, `2 h 5 min`, `3 d 4 h` */
export function duration(ms: number): string {
  if (ms < 1_000) return `${Math.round(ms)} ms`;
  if (ms < 60_000) return `${(ms / 1_000).toFixed(ms < 10_000 ? 1 : 0)} s`;
  const seconds = Math.round(ms / 1_000);
  const parts: [number, string][] = [
    [Math.floor(seconds / 86_400), 'd'],
    [Math.floor(seconds / 3_600) % 24, 'h'],
    [Math.floor(seconds / 60) % 60, 'min'],
    [seconds % 60, 's'],
  ];
  const first = parts.findIndex(([value]) => value > 0);
  return parts
    .slice(first, first + 2)
    .filter(([value]) => value > 0)
    .map(([value, unit]) => `${value} ${unit}`)
    .join(' ');
}

/** `98.7 %`; at most `99.9 %` unless it is all; null where there is nothing to divide by. */
export function percent(part: number, whole: number): string | null {
  if (whole === 0) return null;
  const share = (100 * part) / whole;
  return part === whole ? '100 %' : `${(part < whole ? Math.min(share, 99.9) : share).toFixed(1)} %`;
}

/** Local time of the day, `14:03:59`. */
export const clock = (iso: string | Date): string => TIME.format(new Date(iso));

/** Local date and time. */
export const dateTime = (iso: string | Date): string => DATE_TIME.format(new Date(iso));

/** `just now`, `4 min ago`, `in 40 s` */
export function relative(iso: string | Date, now = Date.now()): string {
  const ms = new Date(iso).getTime() - now;
  if (Math.abs(ms) < 1_000) return 'just now';
  const text = duration(Math.abs(ms)).split(' ').slice(0, 2).join(' ');
  return ms < 0 ? `${text} ago` : `in ${text}`;
}
