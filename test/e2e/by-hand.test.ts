import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { Client, Connection } from '@temporalio/client';
import { afterAll, beforeAll, beforeEach, describe, expect, inject, test } from 'vitest';
import { findTemporal } from '../../src/embedded/temporal-binary.js';
import { createEndpoint, deliveryIn, getDelivery, postEvent } from '../support/path.js';
import { startReceiver, type Receiver } from '../support/receiver.js';
import { eventually, startTestService, type TestService } from '../support/service.js';

/** Operators use Temporal's own CLI on deliveries whose workflow waits for a retry. */
const run = promisify(execFile);
let t: TestService;
let receiver: Receiver;
let binary: string;
let connection: Connection;
let client: Client;

beforeAll(async () => {
  binary = await findTemporal({ progress: console.log, env: process.env });
  t = await startTestService({ pollEveryMs: 200 });
  connection = await Connection.connect({ address: inject('temporalAddress') });
  client = new Client({ connection });
});
afterAll(async () => {
  await t.stop();
  await connection.close();
});
beforeEach(async () => {
  receiver = await startReceiver();
  return () => receiver.close();
});

const temporal = (...args: string[]) => run(binary, [...args, '--address', inject('temporalAddress')]);
const activity = (verb: string, { id, workflowId }: Retrying, ...args: string[]) =>
  temporal('activity', verb, '--activity-id', id, '-w', workflowId, ...args);
const statusOf = async (workflowId: string) =>
  (await client.workflow.getHandle(workflowId).describe()).status.name;

interface Retrying {
  id: string;
  workflowId: string;
}

/** Makes the next attempt due 31 s ago: the poller makes it in place of the workflow. */
const overdue = (id: string) =>
  t.pool.query(
    `update open_deliveries set run_at = now() - interval '31 seconds' where id = $1 and claimed_by is null`,
    [id],
  );

/** After its first attempt, with the next one a day away; its activity waits for that. */
async function retrying(): Promise<Retrying> {
  const tenant = `tenant_${Math.random().toString(36).slice(2)}`;
  await createEndpoint(t, receiver.url, { tenant });
  receiver.setBehaviour(() => ({ status: 503, headers: { 'retry-after': '86400' } }));
  const { deliveries } = await postEvent(t, { tenant });
  const { id, workflow_id: workflowId } = await deliveryIn(t, deliveries[0]!.id, ['IN_PROGRESS']);
  await waits(workflowId);
  return { id, workflowId };
}

/** Waits until the activity has failed, and is to be tried again. */
const waits = (workflowId: string) =>
  eventually(() =>
    client.workflow
      .getHandle(workflowId)
      .describe()
      .then(
        ({ raw }) => raw.pendingActivities?.some(({ lastFailure }) => lastFailure?.message?.includes('503')),
        () => false,
      ),
  );

/** With a request under way, that its activity waits for: only then does Temporal accept a failure. */
async function attempting(): Promise<Retrying> {
  const tenant = `tenant_${Math.random().toString(36).slice(2)}`;
  await createEndpoint(t, receiver.url, { tenant, timeout_ms: 30_000 });
  let answer!: () => void;
  const answered = new Promise<void>((resolve) => (answer = resolve));
  beforeEnd.push(answer);
  receiver.setBehaviour(() => answered.then(() => ({ status: 503 })));
  const { deliveries } = await postEvent(t, { tenant });
  const { id, workflow_id: workflowId } = await getDelivery(t, deliveries[0]!.id);
  const handle = client.workflow.getHandle(workflowId);
  await eventually(() =>
    handle.describe().then(
      ({ raw }) => raw.pendingActivities?.some(({ lastStartedTime }) => lastStartedTime),
      () => false,
    ),
  );
  return { id, workflowId };
}
const beforeEnd: (() => void)[] = [];

interface Entry {
  actor: string;
  action: string;
  reason: string;
}
const audited = async (id: string) =>
  (await t.call<{ data: Entry[] }>('GET', `/v1/audit?object=${id}`)).body.data.map(
    ({ actor, action, reason }) => ({ actor, action, reason }),
  );

/** Still open, and delivered only by its next attempt. */
async function goesOn(id: string): Promise<void> {
  expect(await getDelivery(t, id)).toMatchObject({ status: 'IN_PROGRESS', attempt_count: 1 });
  expect(receiver.requests).toHaveLength(1);
  receiver.setBehaviour(() => ({ status: 200 }));
  expect((await t.call('POST', `/v1/deliveries/${id}/retry`)).status).toBe(202);
  const { attempts } = await deliveryIn(t, id);
  expect(attempts.map(({ number, http_status }) => [number, http_status])).toEqual([
    [1, 503],
    [2, 200],
  ]);
}

describe('an activity completed by hand', () => {
  test.each([
    ['with a word', '"DELIVERED"'],
    ['with nothing', 'null'],
    ['with attempts that are none', '{"kind":"ended","status":"DELIVERED","attempts":[null]}'],
    ['with an end that is none', '{"kind":"ended","status":"OPEN","attempts":[]}'],
    ['with a record that is none', '{"kind":"unrecorded","record":{"claim":"x"},"attempts":[]}'],
  ])(
    '%s delivers nothing, is audited, and the activity begins again',
    async (_, result) => {
      const { id, workflowId } = await retrying();
      await activity('complete', { id, workflowId }, '--result', result);
      const entries = await eventually(async () => {
        const found = await audited(id);
        return found.length > 0 && found;
      });
      const reason = expect.stringContaining('ignored') as string;
      expect(entries).toEqual([{ actor: 'temporal', action: 'delivery.complete', reason }]);
      await waits(workflowId);
      await goesOn(id);
      expect(await client.workflow.getHandle(workflowId).result()).toMatchObject([
        { status: 'DELIVERED', attempts: [{ number: 1 }, { number: 2 }] },
      ]);
    },
    60_000,
  );

  test.each([
    ['without a proof', undefined],
    ['with a proof of its own', 'x'.repeat(43)],
  ])(
    'with a delivered attempt that was never made, %s, delivers nothing',
    async (_, proof) => {
      const { id, workflowId } = await retrying();
      const attempt = {
        ...{ id: 'att_01a20fae69eb74a993bca166fb8bff5b', number: 2, started_at: new Date().toISOString() },
        ...{ latency_ms: 1, timings: null, remote_address: null, http_status: 200, error: null },
        ...{ classification: 'DELIVERED', request_headers: {}, response_headers: {}, response_body: null },
        ...{ truncated: false, retry_after: null, next_attempt_at: null },
      };
      const result = JSON.stringify({
        kind: 'unrecorded',
        record: { claim: 1, attempt, proof },
        attempts: [attempt],
      });
      await activity('complete', { id, workflowId }, '--result', result);
      // The completion was left out, and the next activity waits.
      await eventually(async () => {
        const { events } = await client.workflow.getHandle(workflowId).fetchHistory();
        return events!.filter((event) => event.activityTaskScheduledEventAttributes).length === 3;
      });
      await waits(workflowId);
      await goesOn(id);
    },
    60_000,
  );

  test('as if its delivery had ended: its workflow ends, and the poller makes the attempts', async () => {
    const { id, workflowId } = await retrying();
    const result = '{"kind":"ended","status":"DELIVERED","reason":null,"attempts":[]}';
    await activity('complete', { id, workflowId }, '--result', result);
    await eventually(async () => (await statusOf(workflowId)) === 'COMPLETED');
    expect(await getDelivery(t, id)).toMatchObject({ status: 'IN_PROGRESS', attempt_count: 1 });
    receiver.setBehaviour((_request, index) => ({ status: index < 3 ? 503 : 200 }));
    await overdue(id);
    expect(await deliveryIn(t, id)).toMatchObject({ status: 'DELIVERED', attempt_count: 4 });
  }, 60_000);
});

describe('an ending that comes from Temporal is in the audit:', () => {
  test('terminate, with its author', async () => {
    const { id, workflowId } = await retrying();
    await temporal('workflow', 'terminate', '-w', workflowId);
    await overdue(id);
    expect(await deliveryIn(t, id)).toMatchObject({
      status: 'CANCELLED',
      status_reason: 'workflow terminated',
      attempt_count: 1,
    });
    const reason = expect.stringMatching(/^workflow terminated by .+@/) as string;
    expect(await audited(id)).toEqual([{ actor: 'temporal', action: 'delivery.cancel', reason }]);
    expect(receiver.requests).toHaveLength(1);
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
    await activity('fail', { id, workflowId }, ...detail);
    await eventually(async () => (await audited(id)).length > 0);
    expect(await audited(id)).toEqual([
      { actor: 'temporal', action: 'delivery.fail', reason: 'activity failed by hand' },
    ]);
    beforeEnd.splice(0).forEach((answer) => answer());
    // The attempt under way was awaited; no other follows it.
    expect(
      await eventually(async () => {
        const delivery = await getDelivery(t, id);
        return delivery.completed_at !== null && delivery;
      }),
    ).toMatchObject({ status: 'FAILED', status_reason: 'activity failed by hand', attempt_count: 1 });
  }, 60_000);

  test('but one that was asked for through the API has its own author', async () => {
    const { id, workflowId } = await retrying();
    await t.call('POST', `/v1/deliveries/${id}/cancel`);
    expect(await deliveryIn(t, id)).toMatchObject({ status: 'CANCELLED' });
    expect(await client.workflow.getHandle(workflowId).result()).toMatchObject([{ status: 'CANCELLED' }]);
    expect(await audited(id)).toMatchObject([{ actor: 'admin', action: 'delivery.cancel' }]);
  }, 60_000);
});

test('activity reset makes the next attempt at once', async () => {
  const { id, workflowId } = await retrying();
  receiver.setBehaviour(() => ({ status: 200 }));
  await activity('reset', { id, workflowId });
  expect(await deliveryIn(t, id)).toMatchObject({ status: 'DELIVERED', attempt_count: 2 });
  expect(await client.workflow.getHandle(workflowId).result()).toMatchObject([{ status: 'DELIVERED' }]);
  expect(receiver.requests).toHaveLength(2);
}, 60_000);

test('a retry asked for through the API ends the workflow with the delivery, however far away its time was', async () => {
  const { id, workflowId } = await retrying();
  receiver.setBehaviour((_request, index) =>
    index === 1 ? { status: 503, headers: { 'retry-after': '86400' } } : { status: 200 },
  );
  const retry = () => t.call('POST', `/v1/deliveries/${id}/retry`);
  expect((await retry()).status).toBe(202);
  await eventually(async () => (await getDelivery(t, id)).attempt_count === 2);
  // The activity takes the delivery back, and waits for its new time.
  await eventually(async () => {
    const { rows } = await t.pool.query('select run_by from open_deliveries where id = $1', [id]);
    return (rows as { run_by: string }[])[0]!.run_by === 'workflow';
  });
  expect(await getDelivery(t, id)).toMatchObject({ status: 'IN_PROGRESS', attempt_count: 2 });
  expect((await retry()).status).toBe(202);
  expect(await deliveryIn(t, id)).toMatchObject({ status: 'DELIVERED', attempt_count: 3 });
  expect(await client.workflow.getHandle(workflowId).result()).toMatchObject([
    { status: 'DELIVERED', attempts: [{ number: 1 }, { number: 2 }, { number: 3 }] },
  ]);
  expect(receiver.requests).toHaveLength(3);
}, 60_000);

test('a paused activity keeps the poller from the delivery, too, until it is unpaused', async () => {
  const { id, workflowId } = await retrying();
  await activity('pause', { id, workflowId });
  await overdue(id);
  const waiting = await eventually(async () => {
    const delivery = await getDelivery(t, id);
    return delivery.status_reason !== null && delivery;
  });
  expect(waiting).toMatchObject({ status: 'IN_PROGRESS', attempt_count: 1 });
  expect(waiting.status_reason).toBe('its activity is paused in Temporal');
  receiver.setBehaviour(() => ({ status: 200 }));
  await activity('unpause', { id, workflowId });
  await activity('reset', { id, workflowId });
  expect(await deliveryIn(t, id)).toMatchObject({ status: 'DELIVERED', attempt_count: 2 });
  expect(await client.workflow.getHandle(workflowId).result()).toMatchObject([{ status: 'DELIVERED' }]);
}, 60_000);
