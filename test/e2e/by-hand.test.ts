import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { afterAll, beforeAll, beforeEach, describe, expect, inject, test } from 'vitest';
import { findTemporal } from '../../src/embedded/temporal-binary.js';
import { createEndpoint, deliveryIn, getDelivery, postEvent } from '../support/path.js';
import { startReceiver, type Receiver } from '../support/receiver.js';
import { eventually, startTestService, type TestService } from '../support/service.js';

/** Done with the real CLI to deliveries whose workflow waits for a retry. */
const run = promisify(execFile);
let t: TestService;
let receiver: Receiver;
let binary: string;

beforeAll(async () => {
  binary = await findTemporal({ progress: console.log, env: process.env });
  t = await startTestService({ sweepEveryMs: 200 });
});
afterAll(() => t.stop());
beforeEach(async () => {
  receiver = await startReceiver();
  return () => receiver.close();
});

const temporal = (...args: string[]) => run(binary, [...args, '--address', inject('temporalAddress')]);
const due = (id: string) => t.pool.query('update deliveries set due_at = now() where id = $1', [id]);

async function retrying(): Promise<{ id: string; workflowId: string }> {
  const tenant = `tenant_${Math.random().toString(36).slice(2)}`;
  await createEndpoint(t, receiver.url, { tenant });
  receiver.setBehaviour(() => ({ status: 503, headers: { 'retry-after': '86400' } }));
  const { deliveries } = await postEvent(t, { tenant });
  const { id, workflow_id } = await deliveryIn(t, deliveries[0]!.id, ['IN_PROGRESS']);
  return { id, workflowId: workflow_id };
}

/** With a request under way: only then does Temporal take a failure. */
async function attempting(): Promise<{ id: string; workflowId: string }> {
  const tenant = `tenant_${Math.random().toString(36).slice(2)}`;
  await createEndpoint(t, receiver.url, { tenant });
  receiver.setBehaviour(() => ({ status: 503, afterMs: 3_000 }));
  const { deliveries } = await postEvent(t, { tenant });
  await receiver.waitFor((requests) => requests.length === 1);
  const { id, workflow_id } = await getDelivery(t, deliveries[0]!.id);
  return { id, workflowId: workflow_id };
}

interface Entry {
  actor: string;
  action: string;
  reason: string;
}
const audited = async (id: string) =>
  (await t.call<{ data: Entry[] }>('GET', `/v1/audit?object=${id}`)).body.data.map(
    ({ actor, action, reason }) => ({
      actor,
      action,
      reason,
    }),
  );

/** Still open, and delivered only by its next attempt. */
async function goesOn(id: string): Promise<void> {
  expect(await getDelivery(t, id)).toMatchObject({ status: 'IN_PROGRESS', attempt_count: 1 });
  expect(receiver.requests).toHaveLength(1);
  receiver.setBehaviour(() => ({ status: 200 }));
  await eventually(async () => {
    await t.call('POST', `/v1/deliveries/${id}/retry`);
    return (await getDelivery(t, id)).status === 'DELIVERED';
  });
  const { attempts } = await getDelivery(t, id);
  expect(attempts.map(({ http_status }) => http_status)).toEqual([503, 200]);
}

/** Its workflow has ended, and another run carries it. */
async function goesOnInAnotherRun(id: string, workflowId: string): Promise<void> {
  const becomes = (status: 'COMPLETED' | 'RUNNING') =>
    eventually(async () => {
      const { stdout } = await temporal('workflow', 'describe', '-w', workflowId, '-o', 'json');
      return stdout.includes(`WORKFLOW_EXECUTION_STATUS_${status}`);
    });
  await becomes('COMPLETED');
  await due(id);
  await becomes('RUNNING');
  await goesOn(id);
}

describe('an activity completed by hand', () => {
  test.each([
    ['with what an attempt that was delivered says', '{"kind":"delivered","attempts":[],"unrecorded":[]}'],
    ['with a word', '"DELIVERED"'],
    ['with nothing', 'null'],
    ['with attempts that are none', '{"kind":"held","retryInMs":null,"attempts":[null],"unrecorded":[]}'],
    ['with a wait that is none', '{"kind":"held","retryInMs":"x","attempts":[],"unrecorded":[]}'],
    ['with an end that is none', '{"kind":"ended","status":"OPEN","attempts":[],"unrecorded":[]}'],
  ])(
    '%s delivers nothing: the event is sent again in its time',
    async (_, result) => {
      const { id, workflowId } = await retrying();
      await temporal('activity', 'complete', '--activity-id', id, '-w', workflowId, '--result', result);
      await eventually(async () => (await audited(id)).length > 0);
      expect(await audited(id)).toEqual([
        {
          actor: 'temporal',
          action: 'delivery.complete',
          reason: expect.stringContaining('ignored') as string,
        },
      ]);
      await due(id);
      await goesOn(id);
    },
    60_000,
  );

  test.each([
    ['in its list of attempts', (made: object) => ({ attempts: [made], unrecorded: [] })],
    ['as one that Postgres did not take', (made: object) => ({ attempts: [made], unrecorded: [made] })],
    [
      'with a proof of its own',
      (made: object) => {
        const proven = { ...made, proof: 'x'.repeat(43) };
        return { attempts: [proven], unrecorded: [proven] };
      },
    ],
  ])(
    'with a delivered attempt that is made up, %s, delivers nothing',
    async (_, told) => {
      const { id, workflowId } = await retrying();
      const now = new Date().toISOString();
      const made = {
        ...{ id: 'att_01a20fae69eb74a993bca166fb8bff5b', number: 2, started_at: now, latency_ms: 1 },
        ...{
          timings: null,
          remote_address: null,
          http_status: 200,
          classification: 'DELIVERED',
          error: null,
        },
        ...{ request_headers: {}, response_headers: {}, response_body: null, truncated: false },
        ...{ retry_after: null, next_attempt_at: null },
      };
      const result = JSON.stringify({ kind: 'delivered', ...told(made) });
      await temporal('activity', 'complete', '--activity-id', id, '-w', workflowId, '--result', result);
      await goesOnInAnotherRun(id, workflowId);
    },
    60_000,
  );

  test('as if its delivery had ended: what Postgres does not know of goes on', async () => {
    const { id, workflowId } = await retrying();
    const result = '{"kind":"ended","status":"DELIVERED","reason":null,"attempts":[],"unrecorded":[]}';
    await temporal('activity', 'complete', '--activity-id', id, '-w', workflowId, '--result', result);
    await goesOnInAnotherRun(id, workflowId);
  }, 60_000);
});

describe('an ending that comes from Temporal is in the audit:', () => {
  test('terminate, with who did it', async () => {
    const { id, workflowId } = await retrying();
    await temporal('workflow', 'terminate', '-w', workflowId);
    await due(id);
    expect(await deliveryIn(t, id)).toMatchObject({
      status: 'CANCELLED',
      status_reason: 'workflow terminated',
    });
    const reason = expect.stringMatching(/^workflow terminated by .+@/) as string;
    expect(await audited(id)).toEqual([{ actor: 'temporal', action: 'delivery.cancel', reason }]);
  }, 60_000);

  test('cancel', async () => {
    const { id, workflowId } = await retrying();
    await temporal('workflow', 'cancel', '-w', workflowId);
    expect(await deliveryIn(t, id)).toMatchObject({
      status: 'CANCELLED',
      status_reason: 'workflow cancelled',
    });
    expect(await audited(id)).toEqual([
      { actor: 'temporal', action: 'delivery.cancel', reason: 'workflow cancelled' },
    ]);
  }, 60_000);

  test('an activity failed by hand', async () => {
    const { id, workflowId } = await attempting();
    const detail = ['--reason', 'enough', '--detail', '{"attempts":1}'];
    await temporal('activity', 'fail', '--activity-id', id, '-w', workflowId, ...detail);
    expect(await deliveryIn(t, id)).toMatchObject({
      status: 'FAILED',
      status_reason: 'activity failed by hand',
    });
    expect(await audited(id)).toEqual([
      { actor: 'temporal', action: 'delivery.fail', reason: 'activity failed by hand' },
    ]);
  }, 60_000);

  test('but one of the API is only who asked for it', async () => {
    const { id } = await retrying();
    await t.call('POST', `/v1/deliveries/${id}/cancel`);
    expect(await deliveryIn(t, id)).toMatchObject({ status: 'CANCELLED' });
    await due(id);
    expect(await audited(id)).toMatchObject([{ actor: 'admin', action: 'delivery.cancel' }]);
  }, 60_000);
});
