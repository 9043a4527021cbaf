import { count } from '../../lib/format';

interface Page {
  data: { completed_at: string | null }[];
  next_cursor: string | null;
}

/** `12`, or `100+` where there are more than were read. */
export const heldWords = ({ data, next_cursor }: Page): string =>
  `${count(data.length)}${next_cursor ? '+' : ''}`;

/** When the newest delivered one was delivered; null: none. */
export const lastSuccess = ({ data }: Page): string | null => data[0]?.completed_at ?? null;
