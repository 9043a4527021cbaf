import { pageOf, type Page, type PageQuery } from './pagination.js';
import type { Db } from './pool.js';

export interface AuditEntry {
  actor: string;
  /** `<noun>.<verb>`, for example `endpoint.pause`. */
  action: string;
  /** The id or control scope acted on. */
  object: string;
  reason?: string | null;
  before?: unknown;
  after?: unknown;
}

/** Call it in the transaction of the change, so that the change and its entry commit together. */
export async function audit(db: Db, entry: AuditEntry): Promise<void> {
  const { actor, action, object, reason = null, before, after } = entry;
  await db.query(
    `insert into audit (id, actor, action, object, reason, before, after)
     values (new_id('aud', now()), $1, $2, $3, $4, $5, $6)`,
    [actor, action, object, reason, json(before), json(after)],
  );
}

const json = (value: unknown) => (value === undefined ? null : JSON.stringify(value));

export interface StoredAuditEntry extends Required<AuditEntry> {
  id: string;
  at: Date;
}

export async function listAudit(
  db: Db,
  filter: { actor?: string | undefined; action?: string | undefined; object?: string | undefined },
  page: PageQuery,
): Promise<Page<StoredAuditEntry>> {
  const select = 'select id, at, actor, action, object, reason, before, after from audit';
  return pageOf(db, select, { ...filter }, page, 'aud');
}
