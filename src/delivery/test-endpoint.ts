import { loadEndpointTargets } from '../db/endpoint-targets.js';
import type { StoredEndpoint } from '../db/endpoints.js';
import type { Db } from '../db/pool.js';
import type { Attempt } from '../domain/delivery.js';
import { diagnose } from '../domain/diagnose.js';
import { MASK } from '../domain/endpoint.js';
import { newId } from '../lib/ids.js';
import type { TlsFacts } from '../webhook/tls-facts.js';
import { UnsentError, type Sender, type SendRequest, type SendResult } from '../webhook/send.js';
import { describe } from './attempt-record.js';
import { buildRequest } from './build-request.js';
import type { KillSwitch } from './kill-switch.js';
import type { ReadSending, Sending } from './sending.js';

export interface TestDeps {
  pool: Db;
  sender: Sender;
  readSending: ReadSending;
  control: Pick<KillSwitch, 'paused'>;
  version: string;
}

export interface TestAnswer {
  sent: boolean;
  diagnosis: string;
  endpoint_status: StoredEndpoint['status'];
  event_type: string;
  request: { method: 'POST'; url: string; headers: Record<string, string>; body: string };
  attempt: Attempt | null;
  tls: TlsFacts | null;
}

const PAYLOAD = '{"test":true,"message":"A test of this endpoint. No event and no delivery belong to it."}';

/** A type that the endpoint subscribes to: of a pattern, one that it matches. */
export const sampleType = ({ event_types: [first = '*'] }: StoredEndpoint): string =>
  first === '*' ? 'test' : first.replace(/\*$/, 'test');

/**
 * Sends one signed sample, which is no event and no delivery: nothing of it is stored, and nothing follows. `preview`: only
 * shows the request. Null: the endpoint has been deleted.
 */
export async function testEndpoint(
  { pool, sender, readSending, control, version }: TestDeps,
  stored: StoredEndpoint,
  sample: { event_type: string; payload?: string | undefined; preview: boolean },
): Promise<TestAnswer | null> {
  const [target] = await loadEndpointTargets(pool, [stored.id]);
  if (!target || target.endpoint.deleted) return null;
  const { endpoint } = target;
  const { event_type, payload = PAYLOAD, preview } = sample;
  const sending = readSending(target);
  const event = {
    ...{ event_id: newId('evt'), event_type, tenant: stored.tenant, payload },
    ...{ event_headers: null, event_content_type: null, event_created_at: new Date() },
  };
  const timestamp = Math.floor(Date.now() / 1000);
  const request = buildRequest({ ...event, endpoint }, sending, { number: 1, timestamp, version });
  const answer = {
    endpoint_status: stored.status,
    event_type,
    request: shown(request, sending),
    attempt: null,
    tls: null,
  };
  if (preview) return { sent: false, diagnosis: 'Only a preview: nothing was sent.', ...answer };
  let result: SendResult;
  try {
    // A pause may have begun since the caller asked.
    const maySend = () => control.paused(stored.tenant) === null;
    result = await sender.send({ ...request, inspect: true, maySend });
  } catch (error) {
    if (!(error instanceof UnsentError)) throw error;
    return { sent: false, diagnosis: `Nothing was sent: ${error.message}.`, ...answer };
  }
  const attempt = describe(1, request, result, { endpoint, sending });
  const diagnosis = diagnose({
    url: endpoint.url,
    attempt,
    code: result.kind === 'fault' ? result.code : null,
    certificate: result.tlsFacts?.certificate ?? null,
    now: new Date(),
  });
  const waiting =
    stored.status === 'enabled'
      ? ''
      : ` The endpoint is ${stored.status}: its events wait, only this test was sent.`;
  return { ...answer, sent: true, diagnosis: diagnosis + waiting, attempt, tls: result.tlsFacts ?? null };
}

/** Confidential headers are masked; the signatures are shown, for comparison with what a receiver computes. */
function shown({ url, headers, body }: SendRequest, { hidden, extra }: Sending): TestAnswer['request'] {
  const masked = Object.entries(headers).map(([name, value]) => [
    name,
    hidden.includes(name) && name !== extra?.header ? MASK : value,
  ]);
  return { method: 'POST', url, headers: Object.fromEntries(masked) as Record<string, string>, body };
}
