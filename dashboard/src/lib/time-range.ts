/** Ranges that end now: in the URL, `from` is one of these words instead of a time, so that a reload moves the range on. */
export const QUICK_RANGES = { '1h': 'Last hour', '24h': 'Last 24 hours', '7d': 'Last 7 days' } as const;
export type QuickRange = keyof typeof QUICK_RANGES;

const HOURS: Record<QuickRange, number> = { '1h': 1, '24h': 24, '7d': 7 * 24 };

export const isQuick = (text: string | undefined): text is QuickRange =>
  text !== undefined && Object.hasOwn(QUICK_RANGES, text);

/** The filters of a list with times as the API takes them. */
export function resolved<Search extends { from?: string; to?: string }>(
  search: Search,
  now = Date.now(),
): Search {
  const { from } = search;
  if (!isQuick(from)) return search;
  return { ...search, from: new Date(now - HOURS[from] * 3_600_000).toISOString() };
}
