import { z } from 'zod';
import { decodePlace, FEED_START, type FeedPlace } from '../db/feed-place.js';
import { Problem } from './problem.js';

/** Reads a cursor of a feed whose rows have such ids; an empty one is the beginning. For `transform` of a schema. */
export function feedCursor(
  text: string,
  context: z.RefinementCtx,
  isOwnId: (id: string) => boolean,
): FeedPlace {
  const place = text === '' ? FEED_START : decodePlace(text, isOwnId);
  if (place === null) context.addIssue({ code: 'custom', message: 'Is not a cursor of the feed.' });
  return place ?? z.NEVER;
}

/** The place of a cursor is ahead of the database. */
export function cursorAhead(): Problem {
  const message = 'This cursor is ahead of the database, which was restored since. Begin again with after=.';
  return new Problem(409, 'cursor_ahead', message, [{ path: 'after', message }]);
}
