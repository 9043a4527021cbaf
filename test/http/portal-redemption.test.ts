import { createHash } from 'node:crypto';
import { PassThrough } from 'node:stream';
import { pino } from 'pino';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { as } from '../support/api-keys.js';
import { canaryOf, search } from '../support/canaries.js';
import { auditOf, createSession, redeem, revoke, sessionOf, statusOf } from '../support/portal.js';
import { ADMIN_KEY, startTestService, type TestService } from '../support/service.js';
import { tableTraces } from '../support/traces.js';

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

test('one of several redemptions of a code in two processes at once gets a token', async () => {
  const { id, code } = await createSession(t);
  const answers = await Promise.all([t, second, t, second, t, second].map((one) => redeem(one, code)));
  const [redeemed, ...others] = answers.sort((a, b) => a.status - b.status);
  expect(redeemed!.status).toBe(200);
  expect(redeemed!.body.token).toMatch(/^shs_[\w-]{43}$/);
  for (const other of others) expect(other).toMatchObject({ status: 401, body: { code: 'link_used' } });
  for (const one of [t, second]) expect(await statusOf(one, redeemed!.body.token)).toBe(200);
  const { rows } = await t.pool.query<{ hash: Buffer }>(
    'select hash from api_keys where portal_session_id = $1',
    [id],
  );
  const hash = createHash('sha256').update(redeemed!.body.token).digest();
  expect(rows).toEqual([{ hash }]);
  expect((await sessionOf(t, id)).body.redeemed_at).not.toBeNull();
  expect(await auditOf(t, id)).toMatchObject([
    { action: 'portal_session.redeem', actor: `portal:${id}`, request_id: expect.any(String) as string },
    { action: 'portal_session.create', actor: 'admin' },
  ]);
});

test('a code that comes too late, or is revoked or unknown, gets 401 and no token', async () => {
  const late = await createSession(t);
  await t.pool.query('update portal_sessions set link_expires_at = now() where id = $1', [late.id]);
  const revoked = await createSession(t);
  await revoke(t, revoked.id);
  const unknown = `shc_${'a'.repeat(43)}`;
  for (const [code, problem] of [
    [late.code, 'link_expired'],
    [revoked.code, 'link_revoked'],
    [unknown, 'unauthorized'],
  ] as const) {
    const answer = await redeem(t, code);
    expect(answer).toMatchObject({ status: 401, body: { code: problem, errors: [{ path: 'code' }] } });
    expect(answer.headers.get('www-authenticate')).toBe('Bearer');
    // A code is no credential of the API.
    expect(await statusOf(second, code)).toBe(401);
  }
  const tokens = 'select from api_keys where portal_session_id = any($1)';
  expect((await t.pool.query(tokens, [[late.id, revoked.id]])).rowCount).toBe(0);
});

test('a code that gives no token opens no transaction', async () => {
  const { code } = await createSession(t);
  await redeem(t, code);
  const client = await t.pool.connect();
  try {
    // Lets others read alone.
    await client.query('begin; lock table portal_sessions in exclusive mode');
    const codes = [code, ...Array.from({ length: 5 }, (_, n) => `shc_${String(n).padStart(43, 'u')}`)];
    const answers = await Promise.all(codes.map((one) => redeem(second, one)));
    expect(answers.map(({ body }) => body.code)).toEqual([
      'link_used',
      ...Array<string>(5).fill('unauthorized'),
    ]);
  } finally {
    await client.query('rollback');
    client.release();
  }
});

test('an address with too many wrong codes gets 429 for them, and a right code still works', async () => {
  // Limits of its own: the other tests come from the same address.
  const { databaseUrl, taskQueue } = t;
  const apart = await startTestService({ databaseUrl, taskQueue });
  try {
    const guess = (n: number) => redeem(apart, `shc_${String(n).padStart(43, '0')}`);
    const answers = await Promise.all(Array.from({ length: 100 }, (_, n) => guess(n)));
    const refused = answers.filter(({ status }) => status === 429);
    expect(answers.filter(({ status }) => status === 401).length + refused.length).toBe(100);
    // 20, and those of the seconds that the guesses took.
    expect(refused.length).toBeGreaterThan(60);
    expect(Number(refused[0]!.headers.get('retry-after'))).toBeGreaterThan(0);
    const { code } = await createSession(apart);
    expect((await redeem(apart, code)).status).toBe(200);
    // Again, which is no guess.
    expect(await redeem(apart, code)).toMatchObject({ status: 401, body: { code: 'link_used' } });
  } finally {
    await apart.stop();
  }
});

test('a redemption without a code, or with more than one, is refused, and reads no large body', async () => {
  const send = (body: unknown) => t.call('POST', '/v1/portal-sessions/redeem', body, { authorization: '' });
  for (const body of [{}, { code: 1 }, { code: 'shs_x' }, { code: `shc_${'a'.repeat(44)}` }])
    expect(await send(body)).toMatchObject({ status: 400, body: { errors: [{ path: 'code' }] } });
  expect((await send({ code: 'a'.repeat(5_000) })).status).toBe(413);
  expect((await t.call('GET', '/v1/portal-sessions/redeem')).status).toBe(405);
});

test('no code and no token is in the log, in the audit or in the database', async () => {
  const lines = new PassThrough();
  let log = '';
  lines.on('data', (text: Buffer) => (log += text.toString()));
  const { databaseUrl, taskQueue } = t;
  const apart = await startTestService({ databaseUrl, taskQueue, log: pino({ level: 'trace' }, lines) });
  const { id, code } = await createSession(apart);
  const { token } = (await redeem(apart, code)).body;
  const session = as(apart, token);
  const send = (body: unknown) => apart.call('POST', '/v1/portal-sessions/redeem', body);
  const refused = [
    await redeem(apart, code),
    await redeem(apart, code.replace('_', '-')),
    await send(`{"code":"${code}"`),
    await send({ code: [code] }),
    await session.call('GET', '/v1/tenants'),
    await session.call('GET', '/v1/endpoints?limit=none'),
    await as(apart, code).call('GET', '/v1/endpoints'),
  ];
  expect(refused.map(({ status }) => status)).toEqual([401, 400, 400, 400, 403, 400, 401]);
  // A fault of the server is logged with its cause.
  await apart.pool.query('alter table portal_sessions rename to portal_sessions_away');
  const other = `shc_${'b'.repeat(43)}`;
  expect((await redeem(apart, other)).status).toBe(500);
  await apart.pool.query('alter table portal_sessions_away rename to portal_sessions');
  await apart.call('POST', `/v1/portal-sessions/${id}/revoke`);
  await apart.stop();
  expect(log).toContain('request failed');
  expect(log).toContain('/v1/portal-sessions/redeem');
  const traces = [
    { place: 'log', content: log },
    { place: 'answers', content: refused.map(({ body }) => body) },
    ...(await tableTraces(databaseUrl)),
  ];
  const secret = (name: string, text: string) => {
    const bytes = Buffer.from(text.slice('shc_'.length), 'base64url');
    return canaryOf(name, text, bytes);
  };
  const canaries = [secret('code', code), secret('other code', other), secret('token', token)];
  expect(search(traces, canaries)).toEqual([]);
  // The search finds what is there.
  expect(search([{ place: 'here', content: `${token} ${code}` }], canaries)).toHaveLength(2);
  expect(log).not.toContain(ADMIN_KEY);
});
