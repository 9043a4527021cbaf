import { duration } from '../../../src/domain/duration.js';

export { duration };

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
