import { pageOf, type Page, type PageQuery } from './pagination.js';
import type { Db } from './pool.js';

/** The author of a change. */
export interface Actor {
  name: string;
  /** The `x-request-id` of the request that makes the change; null: no request does. */
  requestId: string | null;
}

/** Surehook itself, such as after a 410. */
export const SUREHOOK: Actor = { name: 'surehook', requestId: null };
/** A tool of Temporal, which does not record who used it. */
export const TEMPORAL: Actor = { name: 'temporal', requestId: null };

export interface AuditEntry {
  actor: Actor;
  /** `<noun>.<verb>`, for example `endpoint.pause`. */
  action: string;
  /** The id or control scope acted on. */
  object: string;
  /** Null: about the whole installation. */
  tenant: string | null;
  reason?: string | null;
  /** Without secrets. */
  before?: unknown;
  after?: unknown;
}

/** Call it in the transaction of the change, so that the change and its entry commit together. */
export async function audit(db: Db, entry: AuditEntry): Promise<void> {
  const { actor, action, object, tenant, reason = null, before, after } = entry;
  await db.query(
    `insert into audit (id, actor, request_id, action, object, tenant, reason, before, after)
     values (new_id('aud', now()), $1, $2, $3, $4, $5, $6, $7, $8)`,
    [actor.name, actor.requestId, action, object, tenant, reason, json(before), json(after)],
  );
}

const json = (value: unknown) => (value === undefined ? null : JSON.stringify(value));

export interface StoredAuditEntry extends Required<Omit<AuditEntry, 'actor'>> {
  id: string;
  at: Date;
  actor: string;
  request_id: string | null;
}

export interface AuditFilter {
  tenant?: string | undefined;
  actor?: string | undefined;
  action?: string | undefined;
  object?: string | undefined;
}

export async function listAudit(
  db: Db,
  filter: AuditFilter,
  page: PageQuery,
): Promise<Page<StoredAuditEntry>> {
  const select = 'select id, at, actor, request_id, tenant, action, object, reason, before, after from audit';
  return pageOf(db, select, { ...filter }, page, 'aud');
}
