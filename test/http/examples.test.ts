import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { EXAMPLE_IDS } from '../../src/http/example-ids.js';
import { sealSecret } from '../../src/delivery/endpoint-vault.js';
import { createSecretCipher } from '../../src/lib/secret-cipher.js';
import { newSecret } from '../../src/webhook/sign.js';
import { answerOf, faultsOf, operations, type Operation } from '../support/conformance.js';
import { ENCRYPTION_KEY, startTestService, type TestService } from '../support/service.js';

const { ep, evt, del, bat, key } = EXAMPLE_IDS;

let t: TestService;
beforeAll(async () => {
  t = await startTestService();
});
afterAll(() => t.stop());

/** The objects that the examples name, as they are before each request. */
beforeEach(async () => {
  const plan = {
    total: 0,
    eligible: 0,
    skipped_by_reason: {},
    skipped: [],
    by_endpoint: [],
    by_event_type: [],
  };
  await t.pool.query(`
    delete from batch_counts; delete from batch_items; delete from batches; delete from control;
    delete from open_deliveries; delete from deliveries; delete from events; delete from idempotency_keys;
    delete from api_keys; delete from event_types;
    delete from subscriptions; delete from endpoint_secrets; delete from endpoints; delete from tenants;
    insert into tenants (id) values ('default'), ('acme');
    insert into event_types (name) values ('order.created');
    insert into endpoints (id, tenant, url, event_types, timeout_ms)
      values ('${ep}', 'default', 'http://127.0.0.1:9/', '{order.*}', 15000);
    insert into api_keys (id, name, hash, role, created_by) values ('${key}', 'old', '\\x00', 'viewer', 'admin');
    insert into events (id, tenant, type, payload, idempotency_key, workflow_id, delivery_count, created_at)
      values ('${evt}', 'default', 'order.created', '{"n":1}', 'order-1', 'deliver:default:order-1', 1, now());
    insert into open_deliveries (id, event_id, endpoint_id, tenant, event_type, max_attempts, workflow_id, created_at,
      run_at, run_by)
      values ('${del}', '${evt}', '${ep}', 'default', 'order.created', 12, 'deliver:default:order-1', now(),
        now() + interval '1 day', 'queue');
    insert into batches (id, status, dry_run, selection, rate_per_second, created_by, plan, completed_at, due_at)
      values ('${bat}', 'DRY_RUN', true, '{"include_delivered":false,"filter":{"status":["FAILED"]}}', 50, 'admin',
        '${JSON.stringify(plan)}', now(), null)`);
  const id = `sec_${'0'.repeat(32)}`;
  const sealed = sealSecret(createSecretCipher([ENCRYPTION_KEY]), id, newSecret('hmac'));
  await t.pool.query('insert into endpoint_secrets (id, endpoint_id, sealed) values ($1, $2, $3)', [
    ...[id, ep, sealed],
  ]);
});

const batchIs = (status: string) =>
  `update batches set status = '${status}', dry_run = false, completed_at = null, due_at = now() + interval '1 hour'`;
/** What an operation needs besides. */
const BEFORE: Record<string, string> = {
  updateBatch: batchIs('RUNNING'),
  pauseBatch: batchIs('RUNNING'),
  resumeBatch: batchIs('PAUSED'),
  cancelBatch: batchIs('RUNNING'),
  resumeDeliveries: `insert into control (scope, reason, paused_by) values ('tenant:acme', 'a', 'admin')`,
};

const exampleOf = (content: { example?: unknown } | undefined) => content?.example;

const pathOf = (path: string, { parameters = [] }: Operation) =>
  path.replaceAll(/\{(\w+)\}/g, (_, name) => String(parameters.find((one) => one.name === name)!.example));

test.each(operations.map((one) => [`${one.method} ${one.path}`, one] as const))(
  'the example of %s does what the document says',
  async (_name, { method, path, operation }) => {
    const { operationId, requestBody } = operation;
    if (BEFORE[operationId]) await t.pool.query(BEFORE[operationId]);
    const content = requestBody?.content['application/json'];
    const body = exampleOf(content);
    if (content) {
      expect(body, 'a body has an example').toBeDefined();
      expect(faultsOf(content.schema, body)).toBe('');
    }
    // Conformance is checked with each call.
    const answer = await t.call(method, pathOf(path, operation), body);
    expect(answer.status, JSON.stringify(answer.body)).toBeLessThan(300);
    for (const status of Object.keys(operation.responses).filter((one) => one < '300')) {
      for (const { schema, example } of Object.values(answerOf(operation, Number(status))!.content ?? {})) {
        if (example === undefined) continue;
        expect(faultsOf(schema, example)).toBe('');
        if (Number(status) === answer.status)
          expect(Object.keys(example as object)).toEqual(Object.keys(answer.body));
      }
    }
  },
);
