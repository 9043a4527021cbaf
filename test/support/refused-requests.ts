import { once } from 'node:events';
import { connect } from 'node:net';
import { text } from 'node:stream/consumers';
import type { Canary } from './canaries.js';
import type { Answer, CanaryRun } from './canary-run.js';
import type { Wallet } from './planted.js';

const pemOf = (label: string, base64: string) =>
  `-----BEGIN ${label}-----\n${base64}\n-----END ${label}-----`;

/** Bodies that are no JSON. */
const malformed = ({ text: it }: Canary): (string | Uint8Array<ArrayBuffer>)[] => [
  ...[it, `"${it}`, `{"payload":${it}}`, `{"payload":"${it}" "type"}`, `{"payload":"${it}\n"}`, `["${it}",]`],
  ...[`{"type":"${it}`, `{"payload":"\\${it}"}`, `{${it}:1}`, `{"${it}"}`],
  new Uint8Array(Buffer.from(`{"type":"${it}\xff"}`, 'latin1')),
];

/** Events with a fault in each field. */
const badEvents = ({ text: it }: Canary): object[] => [
  { type: `${it} ${it}`, payload: it, tenant: `${it} x` },
  { type: 'a', payload: it, headers: { 'x-a': `${it}\0`, 'content-length': it, 'a b': it } },
  { type: 'a', payload: it, idempotency_key: `${it}\u0007`, endpoint_ids: [it] },
  { type: [it], payload: it, content_type: `${it}\n`, headers: it, endpoint_ids: it, tenant: { it } },
  { type: 'a', payload: { it }, content_type: 'text/plain' },
  { type: 'endpoint.disabled', payload: it, tenant: 'surehook' },
  { type: 'a', payload: it.repeat(20_000) },
];

const badUrls = ({ text: it }: Canary, password: Canary): string[] => [
  ...[`https://me:${it}@host.invalid/`, `https://me:${encodeURIComponent(password.text)}@host.invalid/`],
  ...[`https://host.invalid/?token=${it}#x`, `ftp://${it}/`, `https://a..b/${it}`, `https://10.0.0.1/${it}`],
  ...[`http://169.254.169.254/?token=${it}`, `/${it}`, `https://host.invalid/ ${it}`, `https://${it}:x/`],
];

/** Settings of endpoints with a fault in each field. */
function badSettings({ planted, client, server }: Wallet): object[] {
  const it = planted.refused.text;
  const { cert: certificate } = client.valid;
  return [
    { secret: it, signature: it, headers: { authorization: `${it}\r\n` } },
    { secret: `whsec_${it}` },
    { basic_auth: { username: `me:${it}`, password: `${it}\n` } },
    { basic_auth: it, extra_signature: { header: it.repeat(20), encoding: it, secret: `${it}\n` } },
    { headers: { authorization: it }, basic_auth: { username: 'me', password: it } },
    { client_certificate: { certificate: it, private_key: it } },
    { client_certificate: { certificate, private_key: pemOf('PRIVATE KEY', it) } },
    { client_certificate: { certificate, private_key: server.valid.key } },
    { ca: pemOf('CERTIFICATE', it) },
    { metadata: { a: [it] }, description: [it], timeout_ms: it, retry_on: it, body: it },
    { retry_schedule: [it], permanent_statuses: [it], event_types: [`${it}*${it}`], id: it },
  ];
}

/** Requests that are refused, each with a canary where the fault is. */
export async function sendRefusedRequests(run: CanaryRun): Promise<void> {
  const { planted } = run.wallet;
  const { refused, wrongKey, payload } = planted;
  const it = refused.text;
  const refuse = async (...request: Parameters<CanaryRun['call']>) => {
    const { status, body }: Answer<{ results?: { status: number }[] }> = await run.call(...request);
    const statuses = [status, ...(body.results ?? []).map((result) => result.status)].slice(-1);
    if (statuses[0]! < 400) throw new Error(`Not refused: ${JSON.stringify(request).slice(0, 500)}`);
  };
  for (const body of malformed(planted.malformed))
    for (const path of ['events', 'events/batch', 'send', 'endpoints', 'batches', 'control/pause'])
      await refuse('POST', `/v1/${path}`, body);
  for (const body of badEvents(refused)) {
    await refuse('POST', '/v1/events', body);
    await refuse('POST', '/v1/events/batch', { events: [body] });
    await refuse('POST', '/v1/batches', body);
  }
  const valid = { url: 'https://host.invalid/', event_types: ['*'] };
  for (const url of badUrls(refused, planted.urlPassword)) {
    await refuse('POST', '/v1/endpoints', { ...valid, url });
    await refuse('POST', '/v1/send', { url, payload: it });
  }
  for (const settings of badSettings(run.wallet))
    await refuse('POST', '/v1/endpoints', { ...valid, ...settings });
  const query = ['limit', 'cursor', 'from', 'status', 'after'].map((name) => `${name}=${it}`).join('&');
  for (const path of ['events', 'endpoints', 'deliveries', 'audit', 'batches'])
    await refuse('GET', `/v1/${path}?${query}`);
  await refuse('POST', '/v1/control/pause', { scope: it, tenant: `${it} x`, reason: it });
  const event = { type: 'a', payload: it };
  await run.call(
    'POST',
    '/v1/events',
    { ...event, payload: payload.text },
    { 'idempotency-key': 'conflict' },
  );
  const headersOfKeys: Record<string, string>[] = [
    { 'idempotency-key': 'conflict' },
    { 'idempotency-key': `"${it}` },
    { 'content-encoding': it },
  ];
  for (const headers of headersOfKeys) await refuse('POST', '/v1/events', event, headers);
  for (const path of ['/v1/events', '/v1/endpoints', '/v1/control/pause'])
    await refuse('POST', path, event, { authorization: `Bearer ${wrongKey.text}` });
  await refuse('GET', '/v1/control', undefined, { authorization: `Basic ${wrongKey.text}` });
  const heads = [
    `GET / HTTP/1.1\r\nx: ${it}\0\r\n\r\n`,
    `${it}\r\n\r\n`,
    `GET /${it} HTTP/1.1\r\nhost: a\r\nhost: ${it}\r\n\r\n`,
  ];
  for (const head of heads) {
    const socket = connect(Number(new URL(run.url).port), '127.0.0.1');
    await once(socket, 'connect');
    socket.end(head);
    run.answers.push({ place: '400 of a request that is not HTTP', content: await text(socket) });
  }
}
