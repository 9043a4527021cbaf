import { notify } from '../db/pauses.js';
import type { Pool } from '../db/pool.js';
import { startPollLoop } from '../lib/poll-loop.js';

/** Ready deliveries are announced at most this often. */
const NOTIFY_EVERY_MS = 50;

/** Tells the pollers of other processes that deliveries are ready. */
export function startAnnouncer(pool: Pool) {
  let due = false;
  const loop = startPollLoop(async () => {
    if (due) {
      due = false;
      await notify(pool).catch(() => (due = true));
    }
    return NOTIFY_EVERY_MS;
  });
  return { wake: () => void (due = true), close: () => loop.close() };
}
