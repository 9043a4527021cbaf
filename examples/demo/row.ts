import { freePort } from '../../src/embedded/ports.js';
import { ended, waitFor, type Accepted, type Api, type Delivery, type Endpoint } from './api.js';
import { payloadOf } from './payloads.js';
import type { Hook, Receivers } from './receivers.js';
import type { Row } from './rows.js';

interface Deps {
  api: Api;
  receivers: Receivers;
}

/** A row as it came out: the cells of its line in the table, and what differs from its expectation. */
export interface Outcome {
  row: Row;
  type: string;
  attempts: string;
  trail: string;
  state: string;
  link: string;
  problems: string[];
}

/** Registers the row's endpoints, posts its event, waits for the end and compares. */
export async function runRow({ api, receivers }: Deps, row: Row): Promise<Outcome> {
  const { event, answers = [], endpoints: count = 1, posts = 1, brokenAt, timeoutMs } = row;
  const type = `github.${event}`;
  const base = row.secure ? receivers.https : receivers.http;
  const hooks: Hook[] = [];
  const endpoints: Endpoint[] = [];
  for (let number = 1; number <= count; number++) {
    const hook = receivers.addHook(`/${event}/${number}`, answers);
    const url = (brokenAt ? await brokenBase(receivers, brokenAt) : base) + hook.path;
    const endpoint = await api.send<Endpoint>('POST', '/v1/endpoints', {
      url,
      event_types: [type],
      ...(timeoutMs ? { timeout_ms: timeoutMs } : {}),
    });
    hook.secret = endpoint.secret;
    hooks.push(hook);
    endpoints.push(endpoint);
  }

  const text = `{"type":"${type}","idempotency_key":"demo-${event}","payload":${payloadOf(event)}}`;
  const accepted = await Promise.all(
    Array.from({ length: posts }, () => api.call<Accepted>('POST', '/v1/events', text)),
  );
  const problems: string[] = [];
  const answered = accepted.map(({ status }) => status).sort((a, b) => b - a);
  if (answered[0] !== 202 || answered.slice(1).some((status) => status !== 200)) {
    problems.push(`posts answered ${answered.join(' ')} instead of one 202 and otherwise 200`);
  }
  if (new Set(accepted.map(({ body }) => body.id)).size !== 1) problems.push('posts answered several events');
  const ids = (accepted[0]?.body.deliveries ?? []).map(({ id }) => id);
  if (ids.length !== count) problems.push(`${ids.length} deliveries instead of ${count}`);
  if (brokenAt && ids[0]) {
    await waitFor(api, ids[0], ({ attempts }) => attempts.length > 0);
    await api.send('PATCH', `/v1/endpoints/${endpoints[0]!.id}`, { url: base + hooks[0]!.path });
  }
  const deliveries = await Promise.all(ids.map((id) => waitFor(api, id, ended)));

  problems.push(...deliveries.flatMap((delivery) => differences(row, delivery)));
  const ending = await endpointEnding(api, endpoints[0]!.id);
  if (ending !== (row.endpointEnds ?? 'enabled')) problems.push(`the endpoint is ${ending}`);
  problems.push(...hooks.flatMap((hook) => unexpectedRequests(row, hook, deliveries[0])));
  const remarks: string[] = [];
  if (row.endpointEnds) remarks.push(`endpoint ${ending}`);
  if (posts > 1) {
    const count = (wanted: number) => answered.filter((status) => status === wanted).length;
    remarks.push(`${count(202)} × 202, ${count(200)} × 200, ${hooks[0]!.requests} request`);
  }
  const trails = deliveries.map(({ attempts }) => attempts.map((a) => a.classification).join(' → '));
  return {
    row,
    type,
    attempts: deliveries.map(({ attempts }) => attempts.length).join(' + '),
    trail: allSame(trails),
    state: [allSame(deliveries.map(({ status }) => status)), ...remarks].join(', '),
    link: deliveries[0]?.workflow_url ?? '',
    problems,
  };
}

async function brokenBase(receivers: Receivers, how: NonNullable<Row['brokenAt']>): Promise<string> {
  if (how === 'expired certificate') return receivers.expired;
  return how === 'closed port' ? `http://127.0.0.1:${await freePort()}` : 'http://does-not-exist.invalid';
}

async function endpointEnding(api: Api, id: string): Promise<string> {
  const { status, status_reason } = await api.get<Endpoint>(`/v1/endpoints/${id}`);
  return status_reason ? `${status} (${status_reason})` : status;
}

function differences(row: Row, { status, attempts }: Delivery): string[] {
  const problems = status === row.ends ? [] : [`${status} instead of ${row.ends}`];
  const made = attempts.map(({ classification }) => classification);
  // The URL is repaired after the first failure is seen; by then a second may have come.
  const counted = row.brokenAt ? made.filter((value, at) => at === 0 || value !== made[at - 1]) : made;
  if (counted.join() !== row.attempts.join())
    problems.push(`attempts instead of ${row.attempts.join(' → ')}`);
  const [first, second] = attempts;
  if (row.waitsMs && first) {
    const after = (time: string | null | undefined) => Date.parse(time ?? '') - Date.parse(first.started_at);
    const [planned, real] = [after(first.next_attempt_at), after(second?.started_at)];
    const enough = planned >= row.waitsMs && real >= row.waitsMs;
    if (!enough) problems.push(`waited ${real} of ${planned} ms instead of ${row.waitsMs} or more`);
  }
  return problems;
}

/** Every attempt that met a receiver is one request there, signed right. */
function unexpectedRequests(row: Row, hook: Hook, delivery: Delivery | undefined): string[] {
  const attempts = delivery?.attempts.length ?? 0;
  const arrived = row.brokenAt ? 1 : attempts;
  const problems = hook.requests === arrived ? [] : [`${hook.requests} requests instead of ${arrived}`];
  if (hook.unverified) problems.push(`${hook.unverified} bad signatures`);
  return problems;
}

function allSame(cells: string[]): string {
  const [first = ''] = cells;
  return cells.length > 1 && cells.every((cell) => cell === first)
    ? `${cells.length} × ${first}`
    : cells.join(', ');
}
