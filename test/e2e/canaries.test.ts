import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { judge, newCanary, search, type Expected, type Leak } from '../support/canaries.js';
import { usePortal } from '../support/canary-portal.js';
import { isReady, startCanaryRun, stopProcesses, type CanaryRun } from '../support/canary-run.js';
import { createEndpoints, deliver, losePostgres, operate, rotateKeys } from '../support/canary-steps.js';
import { failStarts } from '../support/failed-starts.js';
import { readAll } from '../support/read-all.js';
import { sendRefusedRequests } from '../support/refused-requests.js';
import { fileTraces, tableTraces, workflowTraces } from '../support/traces.js';

const ECHO = /(attempts|attempt|detail)\.(response_body|response_headers\.retry-after|retry_after)$/;

/** Where confidential values belong. A place that holds none is a fault of this list. */
const EXPECTED: Expected[] = [
  {
    canary: /^(generated secret|rotated secret|hmacSecret|secondHmacSecret|ed25519Secret)$/,
    place: /^20[01] (POST \/v1\/endpoints|POST .*\/rotate-secret|GET .*\/secret)\.(secrets\.)?secret$/,
    because: 'who makes or rotates a secret, or asks for it and is audited, gets it for its receiver',
  },
  {
    canary: /^urlToken$/,
    place: /^20[01] .*\/v1\/endpoints.*\.url$|^table endpoints\.url$|^files of Postgres$/,
    because: 'the URL of an endpoint is a setting that is shown; credentials belong in its headers',
  },
  {
    canary: /^payload$/,
    place: /^20[01] GET \/v1\/events\/:id\.payload|^table events\.payload$|^files of Postgres$/,
    because: 'an event is stored and shown with its payload',
  },
  {
    canary: /^testPayload$/,
    place: /^200 POST .*\/test\.request\.body$/,
    because: 'a test shows the request that it sends; nothing of it is stored',
  },
  {
    canary: /^(payload|testPayload)$/,
    place: ECHO,
    because: 'an attempt shows the start of the answer, and this receiver repeats the payload',
  },
  {
    canary: /^eventHeader$/,
    place: /^table events\.headers\.x-api-key$|^files of Postgres$/,
    because: 'the headers of an event are stored with it, and answers redact them',
  },
  {
    canary: /^portalCode$/,
    place: /^201 POST \/v1\/portal-sessions\.(url|code)$/,
    because: 'the sender gets the link for its customer',
  },
  {
    canary: /^portalToken$/,
    place: /^200 POST \/v1\/portal-sessions\/redeem\.token$/,
    because: 'the customer gets the token for the code',
  },
  {
    canary: /^returnToken$/,
    place:
      /^20[01] .*\/v1\/portal-sessions.*\.return_url$|^table portal_sessions\.return_url$|^files of Postgres$/,
    because:
      'the page that a portal leads back to is a setting that is shown; the audit has it without its query',
  },
];

let run: CanaryRun;
let leaks: Leak[];

beforeAll(async () => {
  run = await startCanaryRun();
  const proxy = new URL(run.proxy.url);
  proxy.username = 'me';
  proxy.password = encodeURIComponent(run.wallet.planted.proxyPassword.text);
  const api = run.start('api', 'dist/src/api.js');
  const worker = run.start('worker', 'dist/src/worker.js', { SUREHOOK_PROXY: proxy.toString() });
  await isReady(run);
  const endpoints = await createEndpoints(run);
  await deliver(run);
  await sendRefusedRequests(run);
  await operate(run, endpoints);
  const code = await usePortal(run, endpoints.full.id);
  await losePostgres(run, endpoints, code, [api, worker]);
  await readAll(run);
  await stopProcesses([api, worker]);
  await rotateKeys(run, endpoints);
  await failStarts(run);
  const traces = [
    ...run.output(),
    ...run.answers,
    ...(await workflowTraces(run.temporalAddress)),
    ...(await tableTraces(run.databaseUrl)),
    ...(await fileTraces('files of Temporal', join(run.dir, 'temporal'))),
    ...(await fileTraces('files of Postgres', join(run.dir, 'postgres', 'data'))),
    { place: 'log of Postgres', content: await readFile(join(run.dir, 'postgres', 'postgres.log')) },
  ];
  leaks = search(traces, run.canaries);
}, 180_000);
afterAll(() => run.stop());

test('no log, history, metric, answer or table shows a confidential value but where it belongs', () => {
  expect(judge(leaks, EXPECTED).leaks).toEqual([]);
});

test('every place where a confidential value belongs holds one: the search finds what is there', () => {
  expect(judge(leaks, EXPECTED).unneeded).toEqual([]);
});

test('the values were in use: receivers and the proxy got those that are sent', () => {
  const { http, https } = run.receivers;
  const sent = [...http.requests, ...https.requests].map(({ path, headers, body }) => [path, headers, body]);
  const got = search([{ place: 'sent', content: [...sent, run.proxy.connects] }], run.canaries);
  const names = ['header', 'changedHeader', 'password', 'urlToken', 'sendHeader', 'payload', 'testPayload'];
  expect(new Set(got.map(({ canary }) => canary))).toEqual(
    new Set([...names, 'eventHeader', 'proxyPassword']),
  );
  expect(https.requests.length).toBeGreaterThan(0);
});

test.each([
  ['as it is', (text: string) => text],
  ['in JSON', (text: string) => JSON.stringify({ text })],
  ['in a URL', (text: string) => encodeURIComponent(text)],
  ['in base64', (text: string) => Buffer.from(text).toString('base64')],
  ['in base64 behind others', (text: string) => Buffer.from(`me:${text}`).toString('base64url')],
  ['in hex', (text: string) => Buffer.from(text).toString('hex')],
  ['in the middle of bytes', (text: string) => Buffer.from(`\0${text}\0`)],
  ['as a name', (text: string) => ({ [text]: 1 })],
])('a value is found %s', (_form, written) => {
  const canary = newCanary('one');
  expect(search([{ place: 'here', content: [{ a: written(canary.text) }] }], [canary])).toHaveLength(1);
});
