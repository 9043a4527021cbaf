import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { kindOf, newSecret, publicKeyOf } from '../../src/webhook/sign.js';
import { createEndpoint } from '../support/path.js';
import { lockWaits } from '../support/lock-waits.js';
import { startTestService, type TestService } from '../support/service.js';

const URL = 'https://example.com/hook';

let t: TestService;
beforeAll(async () => {
  t = await startTestService({ role: 'api', workflows: 'none', attempts: false });
});
afterAll(() => t.stop());

interface Secrets {
  secret: string;
  signature: string;
  public_key: string | null;
  secrets: { secret: string; public_key: string | null; created_at: string; expires_at: string | null }[];
}

const read = async (id: string) => (await t.call<Secrets>('GET', `/v1/endpoints/${id}/secret`)).body;
const rotate = (id: string, body?: object, headers: Record<string, string> = {}) =>
  t.call<Secrets & { errors: { path: string }[] }>(
    'POST',
    `/v1/endpoints/${id}/rotate-secret`,
    body,
    headers,
  );

const hoursFromNow = (time: string | null) => (Date.parse(time!) - Date.now()) / 3_600_000;

describe('rotating a secret', () => {
  it('makes a new one, and the one before signs for a day', async () => {
    const { id, secret } = await createEndpoint(t, URL);
    const { status, body } = await rotate(id);
    expect(status).toBe(200);
    expect(kindOf(body.secret)).toBe('hmac');
    expect(body.secrets.map((live) => live.secret)).toEqual([body.secret, secret]);
    expect(body.secrets[0]!.expires_at).toBeNull();
    expect(hoursFromNow(body.secrets[1]!.expires_at)).toBeCloseTo(24, 1);
    expect(await read(id)).toEqual(body);
  });

  it('ends the others at once with an overlap of 0, and forgets them', async () => {
    const { id } = await createEndpoint(t, URL);
    await rotate(id);
    const brought = newSecret();
    const { body } = await rotate(id, { secret: brought, overlap_seconds: 0 });
    expect(body.secrets).toEqual([expect.objectContaining({ secret: brought, expires_at: null })]);
    const { rows } = await t.pool.query('select from endpoint_secrets where endpoint_id = $1', [id]);
    expect(rows).toHaveLength(1);
  });

  it('never prolongs the end of an older one', async () => {
    const { id, secret } = await createEndpoint(t, URL);
    await rotate(id, { overlap_seconds: 3_600 });
    const { body } = await rotate(id, { overlap_seconds: 604_800 });
    const ends = body.secrets.map((live) => live.expires_at && Math.round(hoursFromNow(live.expires_at)));
    expect(ends).toEqual([null, 168, 1]);
    expect(body.secrets[2]!.secret).toBe(secret);
  });

  it('keeps ten at most', async () => {
    const { id } = await createEndpoint(t, URL);
    for (let n = 2; n <= 10; n++) expect((await rotate(id)).status).toBe(200);
    const before = await read(id);
    expect(before.secrets).toHaveLength(10);
    expect(await rotate(id)).toMatchObject({ status: 409, body: { code: 'too_many_secrets' } });
    expect(await read(id)).toEqual(before);
    expect((await rotate(id, { overlap_seconds: 0 })).body.secrets).toHaveLength(1);
  });

  it('changes the kind of signature, and both sign meanwhile', async () => {
    const { id, secret } = await createEndpoint(t, URL);
    const { body } = await rotate(id, { signature: 'ed25519' });
    expect(body).toMatchObject({ signature: 'ed25519', public_key: publicKeyOf(body.secret) });
    expect(body.secrets.map((live) => live.secret)).toEqual([body.secret, secret]);
    expect(await t.call('GET', `/v1/endpoints/${id}`)).toMatchObject({
      body: { signature: 'ed25519', public_key: body.public_key },
    });
    // Without `signature`, the kind stays.
    expect((await rotate(id)).body).toMatchObject({ signature: 'ed25519' });
    expect((await rotate(id, { secret: newSecret() })).body).toMatchObject({
      signature: 'hmac',
      public_key: null,
    });
  });

  it('is done once for a repeated request with its key', async () => {
    const { id } = await createEndpoint(t, URL);
    const headers = { 'idempotency-key': 'rotate-1' };
    const first = await rotate(id, { overlap_seconds: 60 }, headers);
    const again = await rotate(id, { overlap_seconds: 60 }, headers);
    expect(again.headers.get('idempotent-replayed')).toBe('true');
    expect(again.body).toEqual(first.body);
    expect(await rotate(id, { overlap_seconds: 61 }, headers)).toMatchObject({
      status: 409,
      body: { code: 'idempotency_conflict' },
    });
  });

  it('by many requests at once leaves one newest secret', async () => {
    const { id } = await createEndpoint(t, URL);
    const answers = await Promise.all(Array.from({ length: 8 }, () => rotate(id)));
    expect(answers.map(({ status }) => status)).toEqual(Array(8).fill(200));
    const { secrets } = await read(id);
    expect(secrets).toHaveLength(9);
    expect(secrets.filter(({ expires_at }) => expires_at === null)).toHaveLength(1);
  });

  it.each([
    [{ overlap_seconds: -1 }, 'overlap_seconds'],
    [{ overlap_seconds: 604_801 }, 'overlap_seconds'],
    [{ overlap_seconds: 0.5 }, 'overlap_seconds'],
    [{ secret: 'whsec_short' }, 'secret'],
    [{ secret: newSecret('ed25519'), signature: 'hmac' }, 'secret'],
    [{ secret: newSecret(), signature: 'ed25519' }, 'secret'],
    [{ signature: 'rsa' }, 'signature'],
    [{ unknown: 1 }, 'unknown'],
  ])('refuses %j, and changes nothing', async (body, path) => {
    const { id } = await createEndpoint(t, URL);
    const before = await read(id);
    const answer = await rotate(id, body);
    expect([answer.status, answer.body.errors.map((error) => error.path)]).toEqual([400, [path]]);
    expect(await read(id)).toEqual(before);
  });

  it('to ed25519 is refused while a second signature uses the secret', async () => {
    const extra_signature = { header: 'x-hub-signature-256', encoding: 'hex' };
    const { id } = await createEndpoint(t, URL, { extra_signature });
    expect(await rotate(id, { signature: 'ed25519' })).toMatchObject({
      status: 409,
      body: { errors: [{ path: 'signature' }] },
    });
    await t.call('PATCH', `/v1/endpoints/${id}`, { extra_signature: { ...extra_signature, secret: 'own' } });
    expect((await rotate(id, { signature: 'ed25519' })).status).toBe(200);
  });

  it('is decided by the endpoint as it is when its row is locked', async () => {
    const { id } = await createEndpoint(t, URL);
    const extra_signature = { header: 'x-hub-signature-256', prefix: '', encoding: 'hex', secret: null };
    const blocker = await t.pool.connect();
    try {
      // A PATCH that commits while the rotation waits for the row.
      await blocker.query('begin');
      await blocker.query('update endpoints set extra_signature = $2 where id = $1', [
        id,
        JSON.stringify(extra_signature),
      ]);
      const rotated = rotate(id, { signature: 'ed25519' });
      await expect.poll(() => lockWaits(t.pool)).toBeGreaterThan(0);
      await blocker.query('commit');
      expect(await rotated).toMatchObject({ status: 409, body: { errors: [{ path: 'signature' }] } });
    } finally {
      blocker.release();
    }
    expect(await t.call('GET', `/v1/endpoints/${id}`)).toMatchObject({ body: { signature: 'hmac' } });
  });

  it('is audited without the secret, and so is reading one', async () => {
    const { id, secret } = await createEndpoint(t, URL);
    const { body } = await rotate(id);
    await read(id);
    const { data } = (
      await t.call<{ data: { action: string; actor: string }[] }>('GET', `/v1/audit?object=${id}`)
    ).body;
    expect(data.map(({ action, actor }) => [action, actor])).toEqual([
      ['endpoint.read_secret', 'admin'],
      ['endpoint.rotate_secret', 'admin'],
      ['endpoint.create', 'admin'],
    ]);
    for (const text of [secret, body.secret]) expect(JSON.stringify(data)).not.toContain(text);
  });

  it('is over with the endpoint: its deletion deletes all confidential values', async () => {
    const { id } = await createEndpoint(t, URL, { headers: { 'x-a': 'b' } });
    await rotate(id);
    await t.call('DELETE', `/v1/endpoints/${id}`);
    const { rows } = await t.pool.query(
      `select sealed_settings, (select count(*)::int from endpoint_secrets where endpoint_id = $1) as secrets
       from endpoints where id = $1`,
      [id],
    );
    expect(rows).toEqual([{ sealed_settings: null, secrets: 0 }]);
  });

  it.each(['rotate-secret', 'secret'])('is 404 at %s for an endpoint that is not there', async (what) => {
    const path = `/v1/endpoints/ep_${'0'.repeat(32)}/${what}`;
    expect((await t.call(what === 'secret' ? 'GET' : 'POST', path)).status).toBe(404);
    const { id } = await createEndpoint(t, URL);
    await t.call('DELETE', `/v1/endpoints/${id}`);
    const gone = `/v1/endpoints/${id}/${what}`;
    expect((await t.call(what === 'secret' ? 'GET' : 'POST', gone)).status).toBe(404);
  });
});

describe('an ed25519 endpoint', () => {
  it('gets a key, or keeps the one that was brought, and shows the public key', async () => {
    const made = await t.call<Secrets>('POST', '/v1/endpoints', {
      url: URL,
      event_types: ['*'],
      signature: 'ed25519',
    });
    expect(made.body).toMatchObject({ signature: 'ed25519', public_key: publicKeyOf(made.body.secret) });
    const brought = newSecret('ed25519');
    const other = await t.call<Secrets>('POST', '/v1/endpoints', {
      url: URL,
      event_types: ['*'],
      secret: brought,
    });
    expect(other.body).toMatchObject({
      secret: brought,
      signature: 'ed25519',
      public_key: publicKeyOf(brought),
    });
  });

  it('refuses an HMAC secret, and a second signature without a secret of its own', async () => {
    const body = { url: URL, event_types: ['*'], signature: 'ed25519' };
    expect(await t.call('POST', '/v1/endpoints', { ...body, secret: newSecret() })).toMatchObject({
      status: 400,
      body: { errors: [{ path: 'secret', message: expect.stringContaining('whsk_') as string }] },
    });
    const extra_signature = { header: 'x-s', encoding: 'hex' };
    expect(await t.call('POST', '/v1/endpoints', { ...body, extra_signature })).toMatchObject({
      status: 400,
      body: { errors: [{ path: 'extra_signature.secret' }] },
    });
  });
});
