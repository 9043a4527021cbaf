import { SENT_WITH, type AttemptTarget } from './deliveries.js';
import type { Db } from './pool.js';

/** The endpoint's current data for an attempt; `held`: why it takes no delivery. */
export type EndpointTarget = Pick<AttemptTarget, 'endpoint' | 'held' | 'sealed_secrets' | 'secret_ids'>;

/** In the order of `ids`; null where there is no such endpoint. */
export async function loadEndpointTargets(db: Db, ids: string[]): Promise<(EndpointTarget | null)[]> {
  const { rows } = await db.query<EndpointTarget & { id: string }>({
    name: 'load-endpoint-targets',
    text: `select ep.id, hold_of(ep) as held, ${SENT_WITH} from endpoints ep where id = any($1)`,
    values: [ids],
  });
  const found = new Map(rows.map(({ id, ...target }) => [id, target]));
  return ids.map((id) => found.get(id) ?? null);
}
