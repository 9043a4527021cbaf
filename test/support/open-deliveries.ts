import { randomBytes } from 'node:crypto';
import pg from 'pg';
import { migrate } from '../../src/db/migrate.js';
import type { NewEvent } from '../../src/db/events.js';
import { filterColumns } from '../../src/db/filters.js';
import {
  acceptEvents,
  type AcceptChoice,
  type AttemptRecord,
  type Stored,
} from '../../src/db/open-deliveries/index.js';
import { createPool, type Pool } from '../../src/db/pool.js';
import type { Attempt } from '../../src/domain/delivery.js';
import type { Filter } from '../../src/domain/filter.js';
import { newId } from '../../src/lib/ids.js';
import { createDatabase } from './database.js';

type Queryable = Pick<pg.Pool, 'query'>;

export interface TestDatabase {
  /** Like the pool of the service's hot statements. */
  pool: Pool;
  /** Without timeouts, and with plans for its own values: to prepare and to look. */
  admin: pg.Pool;
  close(): Promise<void>;
}

/** A migrated database of its own. */
export async function openTestDatabase(max = 4): Promise<TestDatabase> {
  const url = await createDatabase(`open_${randomBytes(6).toString('hex')}`);
  await migrate(url);
  const pool = createPool(url, max, { planOnce: true });
  const admin = new pg.Pool({ connectionString: url, max: 2 });
  return { pool, admin, close: async () => void (await Promise.all([pool.end(), admin.end()])) };
}

/** Faster than truncating them, which also drops all plans. */
export async function deleteEverything({ admin }: TestDatabase): Promise<void> {
  const tables =
    'open_deliveries deliveries attempts events idempotency_keys workflow_starts control processes audit stats stats_corrections issues';
  const endpoints = 'subscriptions endpoint_secrets endpoints';
  const deletes = `${tables} ${endpoints}`.split(' ').map((table) => `delete from ${table}`);
  // As a retention does: the audit is append-only.
  await admin.query(`set local surehook.audit_retention = 'on'; ${deletes.join(';')}`);
}

export interface EndpointOptions {
  tenant?: string;
  types?: string[];
  status?: 'enabled' | 'paused' | 'disabled';
  filter?: Filter;
}

export const TEST_URL = 'http://127.0.0.1:1/';

export async function addEndpoint(db: Queryable, options: EndpointOptions = {}): Promise<string> {
  const [id] = await addEndpoints(db, 1, options);
  return id!;
}

/** Returns their ids in order. */
export async function addEndpoints(
  db: Queryable,
  count: number,
  { tenant = 't', types = ['*'], status = 'enabled', filter }: EndpointOptions = {},
): Promise<string[]> {
  await db.query('insert into tenants (id) values ($1) on conflict do nothing', [tenant]);
  const ids = Array.from({ length: count }, () => newId('ep')).sort();
  await db.query(
    `insert into endpoints (id, tenant, url, event_types, timeout_ms, status, filter, filter_path, filter_cost)
     select id, $2, $3, $4, 15000, $5, $6, $7, $8 from unnest($1::text[]) id`,
    [ids, tenant, TEST_URL, types, status, ...Object.values(filterColumns(filter ?? null))],
  );
  return ids;
}

export function newEvent(over: Partial<NewEvent> = {}): NewEvent {
  const id = newId('evt');
  const tenant = over.tenant ?? 't';
  return {
    id,
    tenant,
    type: 'order.created',
    payload: '{"n":1}',
    idempotencyKey: id,
    requestHash: 'ab'.repeat(32),
    workflowId: `deliver:${tenant}:${over.idempotencyKey ?? id}`,
    maxAttempts: 3,
    createdAt: new Date(),
    endpointIds: null,
    ...over,
  };
}

export type AcceptedEvent = Extract<Stored, { kind: 'accepted' }>;

/** By default claimed by the process `p1`, and their workflows started at once. */
export async function accept(
  pool: Pool,
  events: NewEvent[] = [newEvent()],
  choice: Partial<AcceptChoice> = {},
): Promise<AcceptedEvent[]> {
  const stored = await acceptEvents(pool, events, {
    claimedBy: 'p1',
    workflow: 'now',
    ...choice,
  });
  return stored.map((one) => {
    if (one.kind !== 'accepted') throw new Error('The key of an event was in its window.');
    return one;
  });
}

export function testAttempt(over: Partial<Attempt> = {}): Attempt {
  return {
    id: newId('att'),
    number: 1,
    started_at: new Date().toISOString(),
    latency_ms: 1,
    timings: null,
    remote_address: null,
    http_status: 500,
    classification: 'HTTP_5XX_RETRYABLE',
    error: null,
    request_headers: {},
    response_headers: {},
    response_body: '',
    truncated: false,
    retry_after: null,
    stop_reason: null,
    next_attempt_at: null,
    ...over,
  };
}

export type Result = 'delivered' | 'retry' | 'failed';

/** The record of the attempt `number` under a claim. A retry is due after `inMs`. */
export function recordOf(
  { id, claim, number = 1, inMs = 60_000 }: { id: string; claim: number; number?: number; inMs?: number },
  result: Result,
  over: Partial<AttemptRecord> = {},
): AttemptRecord {
  const about = { deliveryId: id, claim, gone: false, reason: null, url: TEST_URL };
  const next = new Date(Date.now() + inMs).toISOString();
  switch (result) {
    case 'delivered':
      return {
        ...about,
        attempt: testAttempt({ number, classification: 'DELIVERED', http_status: 200 }),
        status: 'DELIVERED',
        ...over,
      };
    case 'retry':
      return {
        ...about,
        attempt: testAttempt({ number, next_attempt_at: next }),
        status: 'IN_PROGRESS',
        ...over,
      };
    case 'failed':
      return {
        ...about,
        attempt: testAttempt({ number }),
        status: 'FAILED',
        reason: 'ATTEMPTS_EXHAUSTED',
        ...over,
      };
  }
}

export interface ShownDelivery {
  status: string;
  status_reason: string | null;
  attempt_count: number;
  next_attempt_at: Date | null;
  last_classification: string | null;
  completed_at: Date | null;
  is_open: boolean;
  claimed_by: string | null;
  claim: number | null;
  run_by: string | null;
  attempts: Attempt[];
}

/** A delivery as the API shows it, with the columns of its open row. */
export async function readDelivery(db: Queryable, id: string): Promise<ShownDelivery> {
  const { rows } = await db.query<ShownDelivery>(
    `select d.status, d.status_reason, d.attempt_count, d.next_attempt_at, d.last_classification, d.completed_at,
       o.id is not null as is_open, o.claimed_by, o.claim, o.run_by,
       coalesce((select json_agg(detail order by number) from attempts where delivery_id = d.id), '[]') as attempts
     from all_deliveries d left join open_deliveries o on o.id = d.id where d.id = $1`,
    [id],
  );
  if (rows.length !== 1) throw new Error(`${id} is there ${rows.length} times.`);
  return rows[0]!;
}
