import { afterAll, beforeAll, expect, test } from 'vitest';
import { rotateKeys } from '../../src/bootstrap/rotate-keys.js';
import { aboutSealed, ENDPOINT_SECRET } from '../../src/db/sealed-columns.js';
import { createSecretCipher } from '../../src/lib/secret-cipher.js';
import type { Readiness } from '../../src/observability/readiness.js';
import { createEndpoint, deliveryIn, getDelivery, postEvent } from '../support/path.js';
import { startReceiver, verified, type Receiver } from '../support/receiver.js';
import {
  createDatabase,
  ENCRYPTION_KEY,
  eventually,
  startTestService,
  type TestService,
} from '../support/service.js';
import { lockWaits } from '../support/lock-waits.js';

const [NEW, LOST] = [2, 3].map((byte) => Buffer.alloc(32, byte).toString('base64')) as [string, string];
const idOf = (key: string) => createSecretCipher([key]).keyIds[0]!;

let receiver: Receiver;
beforeAll(async () => {
  receiver = await startReceiver();
});
afterAll(() => receiver.close());

const readyz = (t: TestService) => t.call<Readiness & { status: string }>('GET', '/readyz');

test('secrets are rotated while deliveries go on, and the old key is not needed from then on', async () => {
  const databaseUrl = await createDatabase(`rotation_${Date.now()}`);
  const first = await startTestService({ databaseUrl, pollEveryMs: 200 });
  const { id, secret } = await createEndpoint(first, receiver.url);
  const rotate = (keys: string[]) => rotateKeys({ databaseUrl, keys, forget: null });
  // The running process could not read values that the new key seals.
  await expect(rotate([NEW, ENCRYPTION_KEY])).rejects.toThrow('1 running process(es) cannot read');
  // A process that would seal with it is refused, too, and adds no key.
  await expect(startTestService({ databaseUrl, encryptionKeys: [NEW, ENCRYPTION_KEY] })).rejects.toThrow(
    '1 running process(es) cannot read',
  );
  await first.stop();

  const second = await startTestService({
    databaseUrl,
    pollEveryMs: 200,
    encryptionKeys: [NEW, ENCRYPTION_KEY],
  });
  const posting = Array.from({ length: 50 }, (_, n) => postEvent(second, { payload: n }));
  const [lines] = await Promise.all([rotate([NEW, ENCRYPTION_KEY]), ...posting]);
  expect(lines).toEqual([
    `1 secret(s) encrypted again, with the key ${idOf(NEW)}.`,
    `Key ${idOf(ENCRYPTION_KEY)} may be removed from SUREHOOK_ENCRYPTION_KEYS.`,
  ]);
  const after = await postEvent(second);
  expect(await deliveryIn(second, after.deliveries[0]!.id)).toMatchObject({ status: 'DELIVERED' });
  const requests = await receiver.waitFor((all) => all.length === 51);
  for (const request of requests) verified(secret, request);
  await second.stop();

  const third = await startTestService({ databaseUrl, encryptionKeys: [NEW] });
  expect((await third.call('GET', `/v1/endpoints/${id}/secret`)).body).toMatchObject({ secret });
  await eventually(async () => (await readyz(third)).body.status === 'ok');
  expect((await readyz(third)).body.encryption).toEqual({ ok: true, reason: null });
  await third.stop();
});

test('a start that a new key overtakes is refused', async () => {
  const t = await startTestService({ attempts: false, role: 'api', workflows: 'none' });
  const { databaseUrl, pool } = t;
  const client = await pool.connect();
  await client.query('begin');
  await client.query(`insert into encryption_keys (id, sealed) values ($1, '\\x00')`, [idOf(NEW)]);
  const start = startTestService({ databaseUrl, attempts: false, role: 'api', workflows: 'none' }).catch(
    (error: Error) => error.message,
  );
  await eventually(async () => (await lockWaits(pool)) > 0);
  await client.query('commit');
  client.release();
  expect(await start).toContain(`the key ${idOf(NEW)}, which is not in SUREHOOK_ENCRYPTION_KEYS`);
  await t.stop();
});

test('a secret of a lost key makes the deliveries of its endpoint wait, with the reason, and no others', async () => {
  const t = await startTestService({ pollEveryMs: 200 });
  const lost = createSecretCipher([LOST]);
  const { id: lostId } = await createEndpoint(t, receiver.url, { tenant: 'lost' });
  const { id: fineId } = await createEndpoint(t, receiver.url, { tenant: 'lost' });
  await t.pool.query(`insert into encryption_keys (id, sealed) values ($1, '\\x00')`, [lost.keyIds[0]]);
  const { rows } = await t.pool.query<{ id: string; sealed: Buffer }>(
    'select id, sealed from endpoint_secrets where endpoint_id = $1',
    [lostId],
  );
  await t.pool.query('update endpoint_secrets set sealed = $2 where id = $1', [
    rows[0]!.id,
    lost.seal('whsec_lost', aboutSealed(ENDPOINT_SECRET, rows[0]!.id)),
  ]);
  // Given up.
  await t.pool.query('update encryption_keys set forgotten_at = now() where id = $1', [lost.keyIds[0]]);
  const { deliveries } = await postEvent(t, { tenant: 'lost' });
  const of = (endpointId: string) => deliveries.find((one) => one.endpoint_id === endpointId)!.id;
  expect(await deliveryIn(t, of(fineId))).toMatchObject({ status: 'DELIVERED' });
  const reason = `a secret is sealed with the key ${idOf(LOST)}, which is not in SUREHOOK_ENCRYPTION_KEYS`;
  await eventually(async () => (await getDelivery(t, of(lostId))).status_reason?.includes(reason));
  expect(await getDelivery(t, of(lostId))).toMatchObject({
    status: 'PENDING',
    attempt_count: 0,
    attempts: [],
  });
  expect(await t.call('GET', `/v1/endpoints/${lostId}/secret`)).toMatchObject({
    ...{ status: 503, body: { code: 'secret_unreadable', detail: `This cannot be shown: ${reason}.` } },
  });
  expect((await readyz(t)).body.encryption).toEqual({ ok: true, reason: null });
  // With its key, or another secret, it goes on.
  await t.pool.query('update endpoint_secrets set sealed = $2 where id = $1', [rows[0]!.id, rows[0]!.sealed]);
  await t.call('POST', `/v1/deliveries/${of(lostId)}/retry`);
  expect(await deliveryIn(t, of(lostId))).toMatchObject({ status: 'DELIVERED' });
  await t.stop();
});

test('readiness reports that a process lacks a key, or seals with one that was rotated away', async () => {
  const t = await startTestService({ attempts: false, role: 'api', workflows: 'none' });
  const other = createSecretCipher([NEW]);
  const ours = idOf(ENCRYPTION_KEY);
  await t.pool.query('insert into encryption_keys (id, sealed) values ($1, $2)', [
    idOf(NEW),
    other.seal('surehook', `encryption_keys:${idOf(NEW)}`),
  ]);
  await eventually(async () => !(await readyz(t)).body.encryption.ok);
  // Events are accepted all the same.
  expect(await readyz(t)).toMatchObject({
    status: 200,
    body: {
      status: 'degraded',
      encryption: { reason: expect.stringContaining(`the key ${idOf(NEW)}, which is not in`) as string },
    },
  });
  await t.pool.query('delete from encryption_keys where id = $1', [idOf(NEW)]);
  await eventually(async () => (await readyz(t)).body.encryption.ok);

  await t.pool.query('delete from encryption_keys where id = $1', [ours]);
  await eventually(async () => (await readyz(t)).body.encryption.reason?.includes('was rotated away'));
  const refused = await t.call('POST', '/v1/endpoints', { url: receiver.url, event_types: ['*'] });
  expect(refused).toMatchObject({ status: 503, body: { code: 'encryption_key_unknown' } });
  const send = await t.call('POST', '/v1/send', { url: receiver.url, payload: 1 });
  expect(send).toMatchObject({ status: 503, body: { code: 'encryption_key_unknown' } });
  const { rows } = await t.pool.query(
    'select (select count(*)::int from endpoints) as endpoints, (select count(*)::int from audit) as audit',
  );
  expect(rows).toEqual([{ endpoints: 0, audit: 0 }]);
  await t.stop();
});
