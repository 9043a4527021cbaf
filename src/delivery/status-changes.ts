import { setStatus } from '../db/deliveries.js';
import { DatabaseAwayError, isDatabaseAway, retryOnConflict, type Db } from '../db/pool.js';
import { OPEN_STATUSES, type DeliveryStatus } from '../domain/delivery.js';
import { createBatcher } from '../lib/batcher.js';
import type { AttemptDeps } from './attempt.js';

interface Change {
  id: string;
  status: DeliveryStatus;
  reason: string;
}

/**
 * Holds and ends open deliveries, those that come together in one statement for each reason. Endpoints that are deleted
 * or disabled with thousands of open deliveries have all of them changed at a time: one by one they took every connection.
 */
export function createStatusChanges(db: Db): Pick<AttemptDeps, 'hold' | 'end'> {
  const change = createBatcher<Change, boolean>({
    ...{ most: 256, atOnce: 2, mostWaiting: 32_768 },
    full: () => new DatabaseAwayError('The database is overloaded.'),
    keyOf: ({ id }) => id,
    isFatal: isDatabaseAway,
    async run(changes) {
      const alike = new Map<string, Change[]>();
      for (const one of changes) {
        const key = `${one.status} ${one.reason}`;
        const some = alike.get(key) ?? [];
        some.push(one);
        alike.set(key, some);
      }
      const changed: string[] = [];
      for (const some of alike.values()) {
        const { status, reason } = some[0]!;
        const ids = some.map(({ id }) => id);
        changed.push(...(await retryOnConflict(() => setStatus(db, ids, OPEN_STATUSES, status, reason))));
      }
      const ids = new Set(changed);
      return changes.map(({ id }) => ids.has(id));
    },
  });
  return {
    async hold({ id, reason }) {
      await change({ id, status: 'HELD', reason });
    },
    async end(ids, status, reason) {
      const ended = await Promise.all(ids.map((id) => change({ id, status, reason })));
      return ids.filter((_, i) => ended[i]);
    },
  };
}
