import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { forgetPortalSessions } from '../../src/db/end-portal-sessions.js';
import { as, createKey } from '../support/api-keys.js';
import {
  auditOf,
  createSession,
  openPortal,
  redeem,
  revoke,
  sessionOf,
  statusOf,
  type NewSession,
} from '../support/portal.js';
import { eventually, startTestService, type TestService } from '../support/service.js';

let t: TestService;
let second: TestService;
beforeAll(async () => {
  t = await startTestService();
  second = await startTestService({ databaseUrl: t.databaseUrl, taskQueue: t.taskQueue });
});
afterAll(async () => {
  await second.stop();
  await t.stop();
});

test('a revoked session is refused by every process', async () => {
  const { id, code } = await createSession(t);
  const { token } = (await redeem(t, code)).body;
  for (const one of [second, t]) expect(await statusOf(one, token)).toBe(200);
  const { revoked_at } = (await revoke(t, id)).body;
  expect(revoked_at).not.toBeNull();
  for (const one of [t, second]) await eventually(async () => (await statusOf(one, token)) === 401, 2_000);
  expect(await revoke(t, id)).toMatchObject({ status: 200, body: { revoked_at } });
  const reason = 'sent to the wrong address';
  const [last, before] = await auditOf(t, id);
  expect(last).toMatchObject({ action: 'portal_session.revoke', actor: 'admin', tenant: 'acme', reason });
  expect(last).toMatchObject({ before: { revoked_at: null }, after: { id } });
  expect(before).toMatchObject({ action: 'portal_session.redeem' });
});

test('a session that is revoked while it is redeemed has no token that works', async () => {
  for (let round = 0; round < 8; round++) {
    const { id, code } = await createSession(t);
    const [redeemed] = await Promise.all([redeem(second, code), revoke(t, id)]);
    if (redeemed.status === 200)
      await eventually(async () => (await statusOf(t, redeemed.body.token)) === 401, 2_000);
    else expect(redeemed.body.code).toBe('link_revoked');
  }
});

test('a session ends with its time, and says so', async () => {
  const { id, code } = await createSession(t, { expires_in: 60 });
  const { token } = (await redeem(t, code)).body;
  expect(await statusOf(t, token)).toBe(200);
  const { rows } = await t.pool.query(
    'select k.expires_at = s.expires_at as same from api_keys k join portal_sessions s on s.id = portal_session_id where s.id = $1',
    [id],
  );
  expect(rows).toEqual([{ same: true }]);
  // Only the clock of Postgres counts.
  vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + 24 * 60 * 60 * 1000 });
  const status = await statusOf(t, token).finally(() => vi.useRealTimers());
  expect(status).toBe(200);
  await t.pool.query('update api_keys set expires_at = now() where portal_session_id = $1', [id]);
  const answer = await eventually(async () => {
    const one = await as(t, token).call<{ detail: string }>('GET', '/v1/endpoints');
    return one.status === 401 && one;
  }, 2_000);
  expect(answer.body.detail).toBe('This portal session has expired.');
});

test('revoking an API key ends the sessions that it made, and no others', async () => {
  const { id, key } = await createKey(t, 'operator', 'keyed');
  const other = as(t, (await createKey(t, 'operator', 'keyed')).key);
  const over = { tenant: 'keyed', scopes: ['read'] };
  const token = await openPortal(as(t, key), over);
  const unused = await createSession(as(t, key), over);
  const kept = await openPortal(other, over);
  for (const one of [second, t]) expect(await statusOf(one, token)).toBe(200);
  expect((await t.call('POST', `/v1/api-keys/${id}/revoke`)).status).toBe(200);
  for (const one of [t, second]) await eventually(async () => (await statusOf(one, token)) === 401, 2_000);
  expect(await redeem(second, unused.code)).toMatchObject({ status: 401, body: { code: 'link_revoked' } });
  const { revoked_at } = (await t.call<{ revoked_at: string }>('GET', `/v1/api-keys/${id}`)).body;
  expect((await sessionOf(t, unused.id)).body).toMatchObject({ revoked_at });
  const listed = await t.call<{ data: object[] }>('GET', '/v1/portal-sessions?tenant=keyed');
  expect(listed.body.data).toMatchObject([{ revoked_at: null }, { revoked_at }, { revoked_at }]);
  expect(await statusOf(second, kept)).toBe(200);
});

test('sessions go on where a new key takes the name of the expired one that made them', async () => {
  const { id, key } = await createKey(t, 'operator', 'renewed', { name: 'renewed' });
  const over = { tenant: 'renewed', scopes: ['read'] };
  const token = await openPortal(as(t, key), over);
  await t.pool.query('update api_keys set expires_at = now() where id = $1', [id]);
  await createKey(t, 'operator', 'renewed', { name: 'renewed' });
  const { body } = await t.call('GET', `/v1/api-keys/${id}`);
  expect(body.revoked_at).not.toBeNull();
  const [session] = (
    await t.call<{ data: { revoked_at: string | null }[] }>('GET', '/v1/portal-sessions?tenant=renewed')
  ).body.data;
  expect(session!.revoked_at).toBeNull();
  for (const one of [t, second]) expect(await statusOf(one, token)).toBe(200);
});

test('a key that is revoked while it makes a session leaves none that works', async () => {
  const over = { tenant: 'keyed', scopes: ['read'] };
  for (let round = 0; round < 8; round++) {
    const { id, key } = await createKey(t, 'operator', 'keyed');
    const [made] = await Promise.all([
      as(second, key).call<NewSession>('POST', '/v1/portal-sessions', over),
      t.call('POST', `/v1/api-keys/${id}/revoke`),
    ]);
    if (made.status === 201) expect((await redeem(t, made.body.code)).body.code).toBe('link_revoked');
    else expect(made).toMatchObject({ status: 401, body: { code: 'unauthorized' } });
  }
});

test('revoking an API key waits for none of the sessions that it makes, however many they are', async () => {
  const { id, key } = await createKey(t, 'operator', 'many');
  const over = { tenant: 'many', scopes: ['read'] };
  const token = await openPortal(as(t, key), over);
  const client = await t.pool.connect();
  try {
    await client.query('begin');
    await client.query('select from portal_sessions for update');
    await client.query('select from api_keys where portal_session_id is not null for update');
    await client.query('lock table portal_sessions in share row exclusive mode');
    expect((await t.call('POST', `/v1/api-keys/${id}/revoke`)).status).toBe(200);
    for (const one of [t, second]) await eventually(async () => (await statusOf(one, token)) === 401, 2_000);
  } finally {
    await client.query('rollback');
    client.release();
  }
});

test('a session sees itself and ends itself, whatever its scope', async () => {
  const { id, code } = await createSession(t, { scopes: ['replay'] });
  const session = as(second, (await redeem(t, code)).body.token);
  const seen = await session.call('GET', '/v1/portal-sessions/current');
  expect(seen).toMatchObject({ status: 200, body: { id, scopes: ['replay'], revoked_at: null } });
  for (const key of [t, as(t, (await createKey(t, 'admin', 'acme')).key)]) {
    const refused = await key.call('GET', '/v1/portal-sessions/current');
    expect(refused).toMatchObject({ status: 403, body: { code: 'forbidden' } });
  }
  expect((await session.call('POST', '/v1/portal-sessions/current/revoke')).body).toMatchObject({ id });
  expect((await auditOf(t, id))[0]).toMatchObject({ action: 'portal_session.revoke', actor: `portal:${id}` });
  const status = async () => (await session.call('GET', '/v1/portal-sessions/current')).status;
  await eventually(async () => (await status()) === 401, 2_000);
});

test('all sessions and links of a tenant end at once, with one entry in the audit', async () => {
  const tenant = 'lost';
  const tokens = [await openPortal(t, { tenant }), await openPortal(t, { tenant })];
  const { code } = await createSession(t, { tenant });
  const other = await openPortal(t, { tenant: 'kept' });
  const { key } = await createKey(t, 'operator', tenant);
  const active = async () =>
    (await t.call<{ data: unknown[] }>('GET', `/v1/portal-sessions?active=true&tenant=${tenant}`)).body.data;
  expect(await active()).toHaveLength(3);
  const revokeAll = (one: string) =>
    as(t, key).call('POST', '/v1/portal-sessions/revoke', { tenant: one, reason: 'a lost laptop' });
  expect(await revokeAll('kept')).toMatchObject({ status: 403, body: { code: 'foreign_tenant' } });
  expect(await revokeAll(tenant)).toMatchObject({ status: 200, body: { revoked: 3 } });
  expect(await revokeAll(tenant)).toMatchObject({ status: 200, body: { revoked: 0 } });
  expect(await active()).toEqual([]);
  for (const token of tokens) await eventually(async () => (await statusOf(second, token)) === 401, 2_000);
  expect((await redeem(second, code)).body.code).toBe('link_revoked');
  expect(await statusOf(second, other)).toBe(200);
  const audit = await t.call('GET', '/v1/audit?action=portal_session.revoke_all');
  const entry = { object: `tenant:${tenant}`, tenant, reason: 'a lost laptop', after: { revoked: 3 } };
  expect(audit.body).toMatchObject({ data: [entry] });
});

test('deleting a tenant ends its sessions', async () => {
  const tenant = 'leaving';
  const token = await openPortal(t, { tenant });
  const { id, code } = await createSession(t, { tenant });
  for (const one of [second, t]) expect(await statusOf(one, token)).toBe(200);
  expect((await t.call('DELETE', `/v1/tenants/${tenant}`)).status).toBe(204);
  for (const one of [t, second]) await eventually(async () => (await statusOf(one, token)) === 401, 2_000);
  expect(await redeem(second, code)).toMatchObject({ status: 401, body: { code: 'link_revoked' } });
  expect((await auditOf(t, id))[0]).toMatchObject({
    action: 'portal_session.revoke',
    actor: 'admin',
    reason: 'the tenant is deleted',
  });
});

test('sessions that ended a month ago are deleted with their tokens, a page at a time', async () => {
  const made = [await createSession(t), await createSession(t), await createSession(t)];
  const ids = made.map(({ id }) => id);
  const { token } = (await redeem(t, made[0]!.code)).body;
  const ended = (days: number, which: string[]) =>
    t.pool.query(`update portal_sessions set expires_at = now() - $1 * interval '1 day' where id = any($2)`, [
      days,
      which,
    ]);
  await ended(29, ids);
  expect(await forgetPortalSessions(t.pool, 1_000)).toBe(0);
  await ended(31, ids);
  expect(await forgetPortalSessions(t.pool, 1)).toBe(1);
  // A process that starts deletes the others.
  const { databaseUrl, taskQueue } = t;
  const apart = await startTestService({ databaseUrl, taskQueue });
  const left = async () =>
    (await t.pool.query('select from portal_sessions where id = any($1)', [ids])).rowCount;
  await eventually(async () => (await left()) === 0);
  await apart.stop();
  await eventually(async () => (await statusOf(t, token)) === 401, 2_000);
});
