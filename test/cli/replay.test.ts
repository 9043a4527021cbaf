import { afterAll, beforeAll, expect, test } from 'vitest';
import { createEndpoint, deliveryIn, postEvent } from '../support/path.js';
import { startReceiver, type Receiver } from '../support/receiver.js';
import { CLI, runNode } from '../support/run-process.js';
import { ADMIN_KEY, eventually, startTestService, type TestService } from '../support/service.js';
import { jsonOf, surehook, type Surroundings } from '../support/surehook.js';

let t: TestService;
let receiver: Receiver;
beforeAll(async () => {
  t = await startTestService();
  receiver = await startReceiver({ behave: () => ({ status: 400 }) });
});
afterAll(async () => {
  await receiver.close();
  await t.stop();
});

const env = () => ({ SUREHOOK_URL: t.service.url!, SUREHOOK_API_KEY: ADMIN_KEY });
const run = (args: string[], over: Surroundings = {}) => surehook(args, { env: env(), ...over });

/** Failed deliveries of a tenant of its own; replays of them are taken from now on with this status. */
async function failed(tenant: string, count: number, status: number): Promise<string[]> {
  receiver.setBehaviour(() => ({ status: 400 }));
  await createEndpoint(t, receiver.url, { tenant });
  const ids: string[] = [];
  for (let n = 0; n < count; n++) {
    const { deliveries } = await postEvent(t, { tenant });
    ids.push(deliveries[0]!.id);
  }
  for (const id of ids) await deliveryIn(t, id);
  receiver.setBehaviour(() => ({ status }));
  return ids;
}

test('a replay shows its plan, and starts when a person types its count, or a script gives it', async () => {
  const [id] = await failed('counted', 3, 204);
  const filter = ['replay', '--tenant', 'counted', '--status', 'failed', '--from', '1h'];
  const alone = await run(filter);
  expect(alone).toMatchObject({ code: 2, err: expect.stringContaining('--count 3') as string });
  expect(alone.out).toContain('3 of 3 would be delivered again');
  expect(await run([...filter, '--count', '2'])).toMatchObject({ code: 5 });
  const declined = await run(filter, { terminal: true, input: 'yes\n' });
  expect(declined.code).toBe(130);
  expect(declined.err).toMatch(/Type 3 to deliver these again: [^]*Not started\./);
  const before = receiver.requests.length;
  const done = await run([...filter, '--rate', '0'], { terminal: true, input: '3\n' });
  expect(done.code).toBe(0);
  expect(done.err).toContain(`\r\u001b[2K[${'#'.repeat(24)}] 3/3  COMPLETED  delivered 3\n`);
  expect(receiver.requests.length - before).toBe(3);
  const again = await run(['replay', id!, '--dry-run']);
  expect(again).toMatchObject({
    code: 0,
    out: expect.stringContaining('1  left out: has a later') as string,
  });
  expect((await run(['replay', 'list', '--tenant', 'counted'])).out).toMatch(/COMPLETED +3 +3 +0/);
});

test('a replay whose deliveries fail ends with 1, and with --json each state is a line', async () => {
  const [id] = await failed('failing', 1, 400);
  const done = await run(['replay', id!, '--count', '1', '--json']);
  expect(done.code).toBe(1);
  const [note, error] = done.err.split('\n').map((line) => line && (JSON.parse(line) as unknown));
  expect(note).toMatchObject({ note: expect.stringMatching(/^started as bat_/) as string });
  expect(error).toMatchObject({ error: { message: '1 of 1 deliveries failed.' } });
  const states = jsonOf<{ status: string; failed_count: number }>(done);
  expect(states[0]).toMatchObject({ status: 'DRY_RUN' });
  expect(states.at(-1)).toMatchObject({ status: 'COMPLETED', failed_count: 1 });
});

test('a replay is paused, resumed and cancelled while it runs', async () => {
  await failed('stopped', 3, 204);
  const args = ['replay', '--tenant', 'stopped', '--status', 'FAILED', '--yes', '--rate', '0.01'];
  const started = jsonOf<{ id: string }>(await run([...args, '--no-watch', '--json'])).at(-1)!;
  const act = async (name: string) =>
    jsonOf<{ status: string }>(await run(['replay', name, started.id, '--json']))[0]!.status;
  expect(await act('pause')).toBe('PAUSED');
  expect(await act('resume')).toBe('RUNNING');
  const watching = runNode(CLI, env(), ['replay', 'watch', started.id]);
  await eventually(async () => watching.err.includes('RUNNING'));
  watching.child.kill('SIGINT');
  expect(await watching.exit).toEqual([130, null]);
  expect(watching.err).toContain(`\nIt goes on: surehook replay watch ${started.id}`);
  expect(await act('cancel')).toBe('CANCELLED');
  expect(await run(['replay', 'watch', started.id])).toMatchObject({
    code: 1,
    err: expect.stringContaining('The replay is CANCELLED') as string,
  });
  expect((await run(['replay', 'get', started.id])).out).toContain('CANCELLED');
});
