import { expect } from 'vitest';
import type { Receiver } from '../support/receiver.js';
import type { Cluster } from './cluster.js';
import { until } from './wait.js';

const COUNTS = `
  select b.status, b.completed_at, b.planned, b.taken, b.skipped_at_turn,
    (select count(*)::int from batch_items where batch_id = b.id) as items,
    (select count(distinct source_delivery_id)::int from batch_items where batch_id = b.id) as sources,
    (select count(*)::int from batch_items where batch_id = b.id and status = 'PLANNED') as left,
    (select count(*)::int from batch_items where batch_id = b.id and status = 'CREATED') as created,
    (select count(*)::int from all_deliveries where batch_id = b.id) as deliveries,
    (select count(distinct source_delivery_id)::int from all_deliveries where batch_id = b.id) as redelivered,
    (select count(*)::int from open_deliveries where batch_id = b.id) as open,
    (select count(*)::int from deliveries where batch_id = b.id and status = 'DELIVERED') as delivered,
    (select count(*)::int from deliveries where batch_id = b.id and status = 'CANCELLED') as cancelled
  from batches b where b.id = $1`;
export type Counts = Record<
  | 'planned'
  | 'taken'
  | 'skipped_at_turn'
  | 'items'
  | 'sources'
  | 'left'
  | 'created'
  | 'deliveries'
  | 'redelivered'
  | 'open'
  | 'delivered'
  | 'cancelled',
  number
> & { status: string; completed_at: Date | null };

/** Counts of a batch, once a condition on them holds. */
export async function countsOnce(
  { query }: Pick<Cluster, 'query'>,
  id: string,
  so: (counts: Counts) => boolean,
  everyMs = 250,
): Promise<Counts> {
  const read = async () => (await query<Counts>(COUNTS, [id]))[0]!;
  await until(async () => so(await read()), 240_000, everyMs);
  const counts = await read();
  expect(so(counts), JSON.stringify(counts)).toBe(true);
  return counts;
}

/** More than one request only where a worker died while it was under way. */
export async function requestsBeyondAttempts(
  { query }: Pick<Cluster, 'query'>,
  receiver: Receiver,
  id: string,
): Promise<string[]> {
  const rows = await query<{ event_id: string; lost: number }>(
    `select event_id, (select count(*)::int from attempts a where a.delivery_id = d.id
       and classification = 'WORKER_LOST') as lost from deliveries d where batch_id = $1`,
    [id],
  );
  const requests = new Map<string, number>();
  for (const { headers } of receiver.requests) {
    const event = String(headers['webhook-id']);
    requests.set(event, (requests.get(event) ?? 0) + 1);
  }
  return rows.filter((row) => (requests.get(row.event_id) ?? 0) > 1 + row.lost).map((row) => row.event_id);
}
