/** A time as an input of the type `datetime-local` has it, in the local time zone: `2026-01-31T13:05:00`. Empty: it is none. */
export function localTime(iso: string | undefined): string {
  const date = new Date(iso ?? NaN);
  if (Number.isNaN(date.getTime())) return '';
  return new Date(date.getTime() - date.getTimezoneOffset() * 60_000).toISOString().slice(0, 19);
}
