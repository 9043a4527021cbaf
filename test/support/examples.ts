import { hash } from 'node:crypto';
import type { Pool } from 'pg';
import { sealSecret } from '../../src/delivery/endpoint-vault.js';
import { EXAMPLE_IDS } from '../../src/http/example-ids.js';
import { apiKeyExample, CODE_EXAMPLE } from '../../src/http/examples.js';
import { createSecretCipher } from '../../src/lib/secret-cipher.js';
import { newSecret } from '../../src/webhook/sign.js';
import { ENCRYPTION_KEY } from './service.js';

const { ep, evt, del, bat, key, pos, iss } = EXAMPLE_IDS;

/** Leaves nothing in the database but the objects that the examples of the OpenAPI document name. */
export async function seedExamples(pool: Pool): Promise<void> {
  const plan = {
    total: 0,
    eligible: 0,
    skipped_by_reason: {},
    skipped: [],
    by_endpoint: [],
    by_event_type: [],
  };
  await pool.query(`
    delete from batch_counts; delete from batch_items; delete from batches; delete from control;
    delete from open_deliveries; delete from deliveries; delete from events; delete from idempotency_keys;
    delete from api_keys; delete from portal_sessions; delete from event_types; delete from issues;
    delete from subscriptions; delete from endpoint_secrets; delete from endpoints; delete from tenants;
    insert into tenants (id) values ('default'), ('acme');
    insert into event_types (name) values ('order.created');
    insert into endpoints (id, tenant, url, event_types, timeout_ms)
      values ('${ep}', 'default', 'http://127.0.0.1:9/', '{order.*}', 15000);
    insert into api_keys (id, name, hash, role, created_by) values ('${key}', 'old',
      decode('${hash('sha256', apiKeyExample.key)}', 'hex'), 'viewer', 'admin');
    insert into portal_sessions (id, tenant, scopes, code_hash, link_expires_at, expires_at, created_by)
      values ('${pos}', 'acme', '{read}', decode('${hash('sha256', CODE_EXAMPLE)}', 'hex'), now() + interval '10 minutes',
        now() + interval '1 hour', 'admin');
    insert into events (id, tenant, type, payload, idempotency_key, workflow_id, delivery_count, created_at)
      values ('${evt}', 'default', 'order.created', '{"n":1}', 'order-1', 'deliver:default:order-1', 1, now());
    insert into open_deliveries (id, event_id, endpoint_id, tenant, event_type, max_attempts, workflow_id, created_at,
      run_at, run_by)
      values ('${del}', '${evt}', '${ep}', 'default', 'order.created', 12, 'deliver:default:order-1', now(),
        now() + interval '1 day', 'queue');
    insert into issues (id, tenant, endpoint_id, classification, first_seen_at, last_seen_at, attempt_count, failed_count,
      sample_delivery_id)
      values ('${iss}', 'default', '${ep}', 'TIMEOUT', now() - interval '1 hour', now(), 3, 1, '${del}');
    insert into batches (id, status, dry_run, selection, rate_per_second, created_by, plan, completed_at, due_at)
      values ('${bat}', 'DRY_RUN', true, '{"include_delivered":false,"filter":{"status":["FAILED"]}}', 50, 'admin',
        '${JSON.stringify(plan)}', now(), null)`);
  const id = `sec_${'0'.repeat(32)}`;
  const sealed = sealSecret(createSecretCipher([ENCRYPTION_KEY]), id, newSecret('hmac'));
  await pool.query('insert into endpoint_secrets (id, endpoint_id, sealed) values ($1, $2, $3)', [
    ...[id, ep, sealed],
  ]);
}
