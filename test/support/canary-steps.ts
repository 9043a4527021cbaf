import type { Canary } from './canaries.js';
import { redeemCode } from './canary-portal.js';
import { stopProcesses, isReady, type CanaryRun } from './canary-run.js';
import { eventually } from './eventually.js';
import { generatedSecret } from './planted.js';
import { CLI, type ProcessRun } from './run-process.js';

interface Made {
  id: string;
  secret: string;
}
interface Delivery {
  id: string;
  status: string;
  attempt_count: number;
}

const TENANT = 'acme';
/** Above the 50 deliveries of one workflow. */
const WIDE = 52;
const query = ({ text }: Canary) => `token=${encodeURIComponent(text)}&x=1`;

export interface Endpoints {
  byPath: Map<string, Made>;
  full: Made;
}

async function created(run: CanaryRun, body: Record<string, unknown>): Promise<Made> {
  const answer = await run.call<Made>('POST', '/v1/endpoints', body);
  if (answer.status !== 201) throw new Error(JSON.stringify(answer));
  if (body.secret === undefined) run.canaries.push(generatedSecret('generated secret', answer.body.secret));
  return answer.body;
}

/** Endpoints with every confidential setting; one for each way in which a delivery can end. */
export async function createEndpoints(run: CanaryRun): Promise<Endpoints> {
  const { planted, server, client } = run.wallet;
  const settings = {
    tenant: TENANT,
    event_types: ['order.*'],
    headers: { 'x-canary': planted.header.text, 'x-other': planted.header.text },
    basic_auth: { username: 'me', password: planted.password.text },
    extra_signature: { header: 'x-own', encoding: 'hex', secret: planted.extraSecret.text },
    retry_schedule: [1, 1],
  };
  const http = run.receivers.http.url.replace('/hook', '');
  const byPath = new Map<string, Made>();
  const urls = ['/echo', '/down', '/bad', '/gone', '/fail', '/moved'].map((path) => [path, http + path]);
  urls.push(['dns', 'http://canary.invalid/'], ['plain', http.replace('http', 'https')]);
  urls.push(['nothing', 'http://127.0.0.1:1/']);
  for (const [path, url] of urls as [string, string][])
    byPath.set(path, await created(run, { ...settings, url: `${url}?${query(planted.urlToken)}` }));
  const waiting = { ...settings, event_types: ['order.waits'], retry_schedule: [86_400] };
  byPath.set('waits', await created(run, { ...waiting, url: `${http}/fail?${query(planted.urlToken)}` }));
  const slow = { ...settings, event_types: ['order.slow'], secret: planted.ed25519Secret.text };
  const extra = { ...settings.extra_signature };
  byPath.set('/slow', await created(run, { ...slow, extra_signature: extra, url: `${http}/slow` }));
  const full = await created(run, {
    ...settings,
    url: `${run.receivers.https.url.replace('/hook', '/echo')}?${query(planted.urlToken)}`,
    secret: planted.hmacSecret.text,
    client_certificate: { certificate: client.valid.cert, private_key: client.valid.key },
    ca: server.ca,
  });
  await created(run, { url: `${http}/hook`, tenant: 'surehook', event_types: ['*'] });
  const wide = { tenant: 'wide', url: `${http}/echo`, headers: settings.headers, event_types: ['*'] };
  for (let i = 0; i < WIDE; i++) await run.call('POST', '/v1/endpoints', wide);
  return { byPath, full };
}

const ofDeliveries = async (run: CanaryRun, filter: string) =>
  (await run.call<{ data: Delivery[] }>('GET', `/v1/deliveries?limit=250&${filter}`)).body.data;

export async function allEnded(run: CanaryRun, filter: string): Promise<void> {
  let open: Delivery[] = [];
  const ended = async () => {
    const data = await ofDeliveries(run, filter);
    open = data.filter(({ status }) => !/DELIVERED|FAILED|CANCELLED|HELD/.test(status));
    return data.length > 0 && open.length === 0;
  };
  await eventually(ended, 20_000).catch((cause: unknown) => {
    throw new Error(`These have not ended: ${JSON.stringify(open)}`, { cause });
  });
}

/** Events by every way in, and their deliveries to every end. */
export async function deliver(run: CanaryRun): Promise<void> {
  const { planted } = run.wallet;
  const event = (type: string, tenant = TENANT) => ({
    ...{ type, tenant, payload: { card: planted.payload.text } },
    headers: { 'x-api-key': planted.eventHeader.text },
  });
  await run.call('POST', '/v1/events', event('order.created'), { 'idempotency-key': 'once' });
  await run.call('POST', '/v1/events', event('order.created'), { 'idempotency-key': 'once' });
  await run.call('POST', '/v1/events/batch', {
    events: [event('order.paid'), event('any', 'wide'), { type: 1 }],
  });
  await run.call('POST', '/v1/events', event('order.waits'));
  const url = `${run.receivers.http.url.replace('/hook', '/bad')}?${query(planted.urlToken)}`;
  const send = { url, payload: planted.payload.text, headers: { 'x-sent-with': planted.sendHeader.text } };
  await run.call('POST', '/v1/send', { ...send, tenant: TENANT });
  await allEnded(run, 'tenant=wide');
  await allEnded(run, `tenant=${TENANT}&event_type=order.created`);
}

/** All that an operator does with endpoints, deliveries and batches. */
export async function operate(run: CanaryRun, { byPath, full }: Endpoints): Promise<void> {
  const { planted } = run.wallet;
  const { call } = run;
  const generated = byPath.get('/echo')!.id;
  for (const [path, { id }] of [['full', full] as const, ...byPath]) {
    if (path === '/slow') continue;
    await call('POST', `/v1/endpoints/${id}/test`, { preview: true, payload: planted.testPayload.text });
    await call('POST', `/v1/endpoints/${id}/test`, { payload: planted.testPayload.text });
  }
  await call('POST', `/v1/endpoints/${full.id}/rotate-secret`, { secret: planted.secondHmacSecret.text });
  const rotated = await call<Made>('POST', `/v1/endpoints/${generated}/rotate-secret`);
  run.canaries.push(generatedSecret('rotated secret', rotated.body.secret));
  await call('GET', `/v1/endpoints/${generated}/secret`);
  const change = {
    headers: { 'x-canary': planted.changedHeader.text },
    basic_auth: { username: 'you', password: planted.password.text },
    url: `${run.receivers.http.url.replace('/hook', '/fail')}?${query(planted.urlToken)}&y=1`,
  };
  await call('PATCH', `/v1/endpoints/${generated}`, change);
  for (const verb of ['pause', 'resume', 'disable', 'enable'])
    await call('POST', `/v1/endpoints/${generated}/${verb}`, { reason: 'a look' });
  await call('POST', '/v1/control/pause', { scope: 'tenant', tenant: TENANT, reason: 'a look' });
  const body = { type: 'order.held', tenant: TENANT, payload: planted.payload.text };
  const held = await call<{ deliveries: { id: string }[] }>('POST', '/v1/events', body);
  await call('POST', `/v1/deliveries/${held.body.deliveries[0]!.id}/cancel`);
  // Held deliveries are looked at after seconds: the rest is cancelled, too.
  await call('POST', '/v1/deliveries/cancel', { filter: { tenant: TENANT, event_type: 'order.held' } });
  await call('POST', '/v1/control/resume', { scope: 'tenant', tenant: TENANT });
  await allEnded(run, `tenant=${TENANT}&event_type=order.held`);

  const [failed] = await ofDeliveries(run, `tenant=${TENANT}&status=FAILED`);
  await call('POST', `/v1/deliveries/${failed!.id}/retry`);
  // Choose deliveries that fail again at once: retries of a replay may wait for their workflow.
  const filter = { classification: 'HTTP_4XX_PERMANENT', tenant: TENANT };
  const dry = await call<{ id: string }>('POST', '/v1/batches', { filter, dry_run: true });
  await batchIn(run, dry.body.id, 'DRY_RUN');
  const started = await call<{ id: string }>('POST', `/v1/batches/${dry.body.id}/start`, {
    rate_per_second: 0,
  });
  await batchIn(run, started.body.id, 'COMPLETED');
  await call('GET', `/v1/batches/${started.body.id}/items`);
  await call('DELETE', `/v1/endpoints/${byPath.get('/moved')!.id}`);
}

const batchIn = (run: CanaryRun, id: string, status: string) =>
  eventually(async () => (await run.call('GET', `/v1/batches/${id}`)).body.status === status, 30_000);

/** An answer that comes, an event, a redemption and lists while Postgres is away. */
export async function losePostgres(
  run: CanaryRun,
  { byPath }: Endpoints,
  code: string,
  processes: ProcessRun[],
): Promise<void> {
  const { planted } = run.wallet;
  const post = (type: string) =>
    run.call('POST', '/v1/events', { type, tenant: TENANT, payload: planted.payload.text });
  await post('order.slow');
  await run.receivers.http.waitFor((all) => all.some(({ path }) => path.startsWith('/slow')));
  await run.postgresLink.refuse();
  run.receivers.answerSlow();
  const refused = await post('order.lost');
  if (refused.status !== 503) throw new Error(`Postgres is away, and the answer was ${refused.status}.`);
  await redeemCode(run, code);
  for (const path of ['/v1/endpoints', '/readyz']) await run.call('GET', path);
  await eventually(async () =>
    processes.some(({ err }) => err.includes('attempt made but not yet recorded')),
  );
  await run.postgresLink.accept();
  await eventually(async () => (await post('order.back')).status === 202);
  await isReady(run);
  const slow = `endpoint_id=${byPath.get('/slow')!.id}`;
  await eventually(async () => (await ofDeliveries(run, slow))[0]!.attempt_count > 0);
}

/** Several processes with other keys; ends with them stopped. */
export async function rotateKeys(run: CanaryRun, { byPath }: Endpoints): Promise<void> {
  const { planted } = run.wallet;
  const [first, second] = planted.encryptionKeys;
  const keys = { SUREHOOK_ENCRYPTION_KEYS: `${second.text},${first.text}` };
  const main = run.start('main', 'dist/src/main.js', keys, ['--processes', '2']);
  await isReady(run);
  await stopProcesses([
    await exited(run.start('rotate-encryption', CLI, keys, ['keys', 'rotate-encryption'])),
  ]);
  const event = { type: 'order.again', tenant: TENANT, payload: planted.payload.text };
  await run.call('POST', '/v1/events', event);
  await allEnded(run, `tenant=${TENANT}&event_type=order.again`);
  await run.call('GET', `/v1/endpoints/${byPath.get('/fail')!.id}/secret`);
  await stopProcesses([main]);
}

async function exited(run: ProcessRun): Promise<ProcessRun> {
  await run.exit;
  return run;
}
