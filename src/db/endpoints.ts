import type { RetryOn } from '../domain/classify.js';
import { OPERATOR_TENANT } from '../domain/operational-event.js';
import { redactUrl } from '../domain/redact.js';
import { newId } from '../lib/ids.js';
import { audit, type Actor } from './audit.js';
import { endpointDisabled } from './endpoint-disabled.js';
import { announce } from './operational-events.js';
import { pageOf, type Page, type PageQuery } from './pagination.js';
import { notify } from './pauses.js';
import { transaction, type Db, type Pool } from './pool.js';
import { requireEndpointRoom } from './tenants.js';

export interface EndpointSettings {
  url: string;
  event_types: string[];
  description: string | null;
  headers: Record<string, string>;
  /** Content type of requests whose event has none; null: JSON. */
  content_type: string | null;
  timeout_ms: number;
  retry_on: RetryOn;
}

export interface StoredEndpoint extends EndpointSettings {
  id: string;
  tenant: string;
  status: 'enabled' | 'paused' | 'disabled';
  /** manual, gone (410) or failing (no success for days); null while enabled. */
  status_reason: string | null;
  /** First failure since the last successful attempt; null while attempts succeed. */
  failing_since: Date | null;
  created_at: Date;
  updated_at: Date;
}

const COLUMNS = `id, tenant, url, event_types, description, headers, content_type, timeout_ms, retry_on, status,
  status_reason, failing_since, created_at, updated_at`;

export interface NewEndpoint extends EndpointSettings {
  tenant: string;
  enabled: boolean;
  /** The id of its secret, and the secret sealed for it. */
  secretId: string;
  sealedSecret: Buffer;
  adHocKey: string | null;
}

/** Returns an existing ad hoc endpoint with its own secret. Runs in the caller's transaction. */
export async function insertEndpoint(db: Db, input: NewEndpoint, actor: Actor): Promise<StoredEndpoint> {
  await db.query('insert into tenants (id) values ($1) on conflict do nothing', [input.tenant]);
  const { rows } = await db.query<StoredEndpoint & { created: boolean }>(
    `insert into endpoints as e (id, tenant, url, event_types, description, headers, timeout_ms, retry_on, status,
       status_reason, ad_hoc_key, content_type)
     values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)
     on conflict (ad_hoc_key) do update set updated_at = now()
     returning ${COLUMNS}, id = $1 as created`,
    [
      newId('ep'),
      input.tenant,
      input.url,
      input.event_types,
      input.description,
      JSON.stringify(input.headers),
      input.timeout_ms,
      input.retry_on,
      input.enabled ? 'enabled' : 'disabled',
      input.enabled ? null : 'manual',
      input.adHocKey,
      input.content_type,
    ],
  );
  const { created, ...endpoint } = rows[0]!;
  if (created) {
    await db.query('insert into endpoint_secrets (id, endpoint_id, sealed) values ($1, $2, $3)', [
      input.secretId,
      endpoint.id,
      input.sealedSecret,
    ]);
    await audit(db, { actor, action: 'endpoint.create', ...about(endpoint), after: shown(endpoint) });
  }
  return endpoint;
}

export async function getEndpoint(
  db: Db,
  id: string,
  lock: '' | 'for update' = '',
): Promise<StoredEndpoint | null> {
  const { rows } = await db.query<StoredEndpoint>(
    `select ${COLUMNS} from endpoints where id = $1 and deleted_at is null ${lock}`,
    [id],
  );
  return rows[0] ?? null;
}

export interface EndpointFilter {
  tenant?: string | undefined;
  status?: string | undefined;
  event_type?: string | undefined;
}

export async function listEndpoints(
  db: Db,
  filter: EndpointFilter,
  page: PageQuery,
): Promise<Page<StoredEndpoint>> {
  const { tenant, status, event_type } = filter;
  const registered = { table: 'endpoints', where: 'deleted_at is null and ad_hoc_key is null' };
  // `$n = any(event_types)` finds the registered pattern itself, not the types that match it.
  return pageOf(
    db,
    `select ${COLUMNS} from endpoints`,
    { tenant, status, 'any(event_types)': event_type },
    page,
    'ep',
    [registered],
  );
}

export interface EndpointChanges extends Partial<EndpointSettings> {
  status?: StoredEndpoint['status'];
}

export interface By {
  actor: Actor;
  /** `endpoint.<verb>`, for the audit. */
  action: string;
  reason?: string | null;
}

/**
 * Changes the given settings. The deliveries of a paused or disabled endpoint are held, whatever their rows say; enabling
 * wakes the pollers. Null: no such endpoint. 'disabled': a disabled endpoint cannot be paused, which would hide that state.
 * Throws a QuotaExceededError where an endpoint of POST /v1/send would become a registered one too many.
 */
export async function updateEndpoint(
  pool: Pool,
  id: string,
  { status, headers, ...plain }: EndpointChanges,
  by: By,
  defaultMaxEndpoints: number | null = null,
): Promise<StoredEndpoint | 'disabled' | null> {
  return transaction(pool, async (db) => {
    const before = await getEndpoint(db, id, 'for update');
    if (!before) return null;
    if (status === 'paused' && before.status === 'disabled') return 'disabled';
    const columns: Record<string, unknown> = { ...plain };
    if (headers) columns.headers = JSON.stringify(headers);
    if (status) {
      columns.status = status;
      columns.status_reason = status === 'enabled' ? null : 'manual';
      if (status === 'enabled') columns.failing_since = null;
    }
    const names = Object.keys(columns);
    const sets = [...names.map((name, i) => `${name} = $${i + 2}`), 'updated_at = now()'];
    // A changed endpoint no longer matches the POST /v1/send that created it.
    if (headers || Object.keys(plain).length > 0) {
      if (await isAdHoc(db, id)) await requireEndpointRoom(db, before.tenant, defaultMaxEndpoints);
      sets.push('ad_hoc_key = null');
    }
    const { rows } = await db.query<StoredEndpoint>(
      `update endpoints set ${sets.join(', ')} where id = $1 returning ${COLUMNS}`,
      [id, ...Object.values(columns)],
    );
    const after = rows[0]!;
    if (status === 'enabled') await notify(db);
    await audit(db, { ...by, ...about(after), before: shown(before), after: shown(after) });
    const isDisabled = status === 'disabled' && before.status !== 'disabled';
    if (isDisabled && after.tenant !== OPERATOR_TENANT) await announce(db, endpointDisabled(after));
    return after;
  });
}

/** Its open deliveries have to end after this: `endDeliveriesOf`. A deleted endpoint holds nothing. */
export async function deleteEndpoint(pool: Pool, id: string, by: By): Promise<boolean> {
  return transaction(pool, async (db) => {
    const before = await getEndpoint(db, id, 'for update');
    if (!before) return false;
    // Without the key, a later POST /v1/send to the same URL creates a new endpoint.
    await db.query(
      'update endpoints set deleted_at = now(), updated_at = now(), ad_hoc_key = null where id = $1',
      [id],
    );
    await audit(db, { ...by, ...about(before), before: shown(before) });
    return true;
  });
}

const about = ({ id, tenant }: StoredEndpoint) => ({ object: id, tenant });

async function isAdHoc(db: Db, id: string): Promise<boolean> {
  const { rowCount } = await db.query('select from endpoints where id = $1 and ad_hoc_key is not null', [id]);
  return rowCount === 1;
}

/** The endpoint for the audit, redacted: headers and URLs carry secrets. */
function shown({ headers, url, ...endpoint }: StoredEndpoint) {
  return { ...endpoint, url: redactUrl(url), headers: Object.keys(headers) };
}

/** Returns the ids that are not endpoints of this tenant. */
export async function unknownEndpoints(db: Db, tenant: string, ids: string[]): Promise<string[]> {
  const { rows } = await db.query<{ id: string }>(
    'select id from endpoints where tenant = $1 and id = any($2) and deleted_at is null',
    [tenant, ids],
  );
  const known = new Set(rows.map((row) => row.id));
  return ids.filter((id) => !known.has(id));
}
