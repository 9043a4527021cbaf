import { hash } from 'node:crypto';
import type { RetryOn } from '../domain/classify.js';
import type { Filter } from '../domain/filter.js';
import { MASK, type Signature, type WireSettings } from '../domain/endpoint.js';
import { redactUrl } from '../domain/redact.js';
import { audit, type Actor } from './audit.js';
import { filterColumns } from './filters.js';
import { pageOf, type Page, type PageQuery } from './pagination.js';
import { transaction, type Db, type Pool } from './pool.js';

export interface EndpointSettings extends WireSettings {
  url: string;
  event_types: string[];
  description: string | null;
  /** Content type of requests whose event has none; null: JSON. */
  content_type: string | null;
  timeout_ms: number;
  retry_on: RetryOn;
  /** Condition on the payload; null: every payload passes. */
  filter: Filter | null;
}

export interface StoredEndpoint extends EndpointSettings {
  id: string;
  tenant: string;
  /** The kind of its newest secret, and its public key; null for HMAC. */
  signature: Signature;
  public_key: string | null;
  status: 'enabled' | 'paused' | 'disabled';
  /** manual, gone (410) or failing (no success for days); null while enabled. */
  status_reason: string | null;
  /** First failure since the last successful attempt; null while attempts succeed. */
  failing_since: Date | null;
  created_at: Date;
  updated_at: Date;
}

/** Rows older than sealed settings have the values of their headers themselves. */
const MASKED_HEADERS = `(select coalesce(jsonb_object_agg(key, '${MASK}'), '{}') from jsonb_each(headers)) as headers`;
export const COLUMNS = `id, tenant, url, event_types, description, signature, public_key, ${MASKED_HEADERS}, basic_auth,
  client_certificate, ca, extra_signature, content_type, body, timeout_ms, retry_on, filter, retry_schedule, permanent_statuses, metadata, status,
  status_reason, failing_since, created_at, updated_at`;
const JSON_COLUMNS =
  'headers basic_auth client_certificate extra_signature permanent_statuses metadata'.split(' ');

/** The columns and their values for a statement; the values are counted from `$1`. */
export function columnsOf({ filter, ...plain }: Partial<EndpointSettings> & Record<string, unknown>) {
  const columns: Record<string, unknown> =
    filter === undefined ? plain : { ...plain, ...filterColumns(filter) };
  const names = Object.keys(columns);
  const values = names.map((name) => {
    const value = columns[name];
    return JSON_COLUMNS.includes(name) && value !== null ? JSON.stringify(value) : value;
  });
  return { names, values };
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

export interface By {
  actor: Actor;
  /** `endpoint.<verb>`, for the audit. */
  action: string;
  reason?: string | null;
}

/** The caller ends the open deliveries after this: `endDeliveriesOf`. A deleted endpoint holds nothing. */
export async function deleteEndpoint(pool: Pool, id: string, by: By): Promise<boolean> {
  return transaction(pool, async (db) => {
    const before = await getEndpoint(db, id, 'for update');
    if (!before) return false;
    // Without the key, a later POST /v1/send to the same URL creates a new endpoint.
    await db.query(
      'update endpoints set deleted_at = now(), updated_at = now(), ad_hoc_key = null, sealed_settings = null where id = $1',
      [id],
    );
    await db.query('delete from endpoint_secrets where endpoint_id = $1', [id]);
    await db.query('delete from issues where endpoint_id = $1', [id]);
    await audit(db, { ...by, ...about(before), before: shown(before) });
    return true;
  });
}

export const about = ({ id, tenant }: StoredEndpoint) => ({ object: id, tenant });

/** The endpoint for the audit: URLs carry secrets, and certificates are long. */
export function shown(endpoint: StoredEndpoint & { sealed_settings?: Buffer | null }) {
  const { headers, url, client_certificate, ca } = endpoint;
  return {
    ...endpoint,
    sealed_settings: undefined,
    url: redactUrl(url),
    headers: Object.keys(headers),
    client_certificate: client_certificate && digest(client_certificate.certificate),
    ca: ca && digest(ca),
  };
}

const digest = (pem: string) => `sha256:${hash('sha256', pem)}`;

/** Returns the ids that are not endpoints of this tenant. */
export async function unknownEndpoints(db: Db, tenant: string, ids: string[]): Promise<string[]> {
  const { rows } = await db.query<{ id: string }>(
    'select id from endpoints where tenant = $1 and id = any($2) and deleted_at is null',
    [tenant, ids],
  );
  const known = new Set(rows.map((row) => row.id));
  return ids.filter((id) => !known.has(id));
}
