import { setTimeout as sleep } from 'node:timers/promises';
import {
  ApiError,
  ConnectionError,
  RateLimitError,
  ServerError,
  type SurehookClient,
} from '../client/index.js';
import type { FeedAttempt } from './attempt-lines.js';

const EVERY_MS = 500;
const TRY_AGAIN_MS = 1_000;
/** The time for one page of the feed. */
const TIMEOUT_MS = 10_000;
export const MAX_PAGE = 250;

interface FollowOptions {
  filters?: { tenant?: string; endpoint_id?: string };
  /** Attempts before now to begin with, at most MAX_PAGE. */
  newest: number;
  /** Leaves out those of them that were made before this time, in milliseconds. */
  since?: number;
  /** Once it is aborted, the attempts up to then are the last ones. */
  signal?: AbortSignal;
  /** A remark about the server. */
  note(text: string): void;
}

/** Every attempt from now on, also across restarts of the server. Throws where the server does not answer at the beginning. */
export async function* followAttempts(
  client: SurehookClient,
  { filters = {}, newest, since = 0, signal, note }: FollowOptions,
): AsyncGenerator<FeedAttempt, void, undefined> {
  const options = { timeoutMs: TIMEOUT_MS, maxRetries: 0 };
  const begin = () => client.attempts.feed({ ...filters, limit: Math.max(1, newest) }, options);
  let page = await begin();
  if (newest > 0) yield* page.data.filter(({ started_at }) => Date.parse(started_at) >= since);
  let isAway = false;
  /** The cursor of the last page is of another database. */
  let beginsAgain = false;
  for (let isLast = false; !isLast;) {
    if (isAway || !(page.has_more || beginsAgain))
      await sleep(isAway ? TRY_AGAIN_MS : EVERY_MS, undefined, signal && { signal }).catch(() => {});
    isLast = signal?.aborted ?? false;
    try {
      page = beginsAgain
        ? { ...(await begin()), data: [] }
        : await client.attempts.feed({ ...filters, limit: MAX_PAGE, after: page.next_cursor }, options);
      beginsAgain = false;
      isLast &&= !page.has_more;
      if (isAway) note('the server answers again');
      isAway = false;
      yield* page.data;
    } catch (error) {
      if (error instanceof ApiError && error.code === 'cursor_ahead') {
        note('the database is another one now; showing what follows');
        beginsAgain = true;
      } else if (isPassing(error)) {
        if (!isAway && !isLast) note(`${error.message} Trying again …`);
        isAway = true;
      } else throw error;
    }
  }
}

const isPassing = (error: unknown): error is Error =>
  error instanceof ConnectionError || error instanceof ServerError || error instanceof RateLimitError;
