import type { RetryOn } from '../domain/classify.js';
import type { WireSettings } from '../domain/endpoint.js';
import type { Db } from './pool.js';

/** A secret that may sign until a time, by performance.now() of this process; Infinity for the newest. */
export interface SealedSecret {
  id: string;
  sealed: Buffer;
  until: number;
}

/** The settings of an endpoint that an attempt needs. */
export type SentEndpoint = Omit<WireSettings, 'metadata'> & {
  id: string;
  url: string;
  content_type: string | null;
  timeout_ms: number;
  retry_on: RetryOn;
  deleted: boolean;
};

/** The endpoint's current data for an attempt. */
export interface EndpointTarget {
  endpoint: SentEndpoint;
  /** The confidential values of its settings; null: there are none. */
  sealed_settings: Buffer | null;
  /** Live secrets, newest first. */
  secrets: SealedSecret[];
  /** Why it must not be sent to now. */
  held: string | null;
}

/** The columns of `SentRow`, of the endpoint `ep`. */
export const SENT_WITH = `
  json_build_object('id', ep.id, 'url', ep.url, 'headers', ep.headers, 'content_type', ep.content_type, 'timeout_ms', ep.timeout_ms,
    'retry_on', ep.retry_on, 'retry_schedule', ep.retry_schedule, 'permanent_statuses', ep.permanent_statuses, 'body', ep.body,
    'extra_signature', ep.extra_signature, 'basic_auth', ep.basic_auth, 'client_certificate', ep.client_certificate, 'ca', ep.ca,
    'deleted', ep.deleted_at is not null) as endpoint,
  ep.sealed_settings,
  coalesce((select json_agg(json_build_object('id', s.id, 'sealed', encode(s.sealed, 'base64'),
      'left_ms', extract(epoch from s.expires_at - now()) * 1000) order by s.expires_at desc nulls first, s.id desc)
    from endpoint_secrets s where s.endpoint_id = ep.id and (s.expires_at is null or s.expires_at > now())), '[]')
    as live_secrets`;

export type SentRow = Omit<EndpointTarget, 'secrets'> & {
  live_secrets: { id: string; sealed: string; left_ms: number | null }[];
};

/** `askedAt`: before the row was read, by performance.now(), so that a secret ends here no later than in Postgres. */
export function sentWith<R extends SentRow>(row: R, askedAt: number) {
  const { live_secrets, ...target } = row;
  const secrets = live_secrets.map(({ id, sealed, left_ms }): SealedSecret => ({
    id,
    sealed: Buffer.from(sealed, 'base64'),
    until: left_ms === null ? Infinity : askedAt + left_ms,
  }));
  return { ...target, secrets };
}

/** In the order of `ids`; null where there is no such endpoint. */
export async function loadEndpointTargets(db: Db, ids: string[]): Promise<(EndpointTarget | null)[]> {
  const askedAt = performance.now();
  const { rows } = await db.query<SentRow & { id: string }>({
    name: 'load-endpoint-targets',
    text: `select ep.id, hold_of(ep) as held, ${SENT_WITH} from endpoints ep where id = any($1)`,
    values: [ids],
  });
  const found = new Map(rows.map(({ id, ...row }) => [id, sentWith(row, askedAt)]));
  return ids.map((id) => found.get(id) ?? null);
}
