import { expect, test } from 'vitest';
import type { Look } from '../../src/doctor/check.js';
import { judgeBacklog, judgeProcesses, judgeServer } from '../../src/doctor/database.js';
import { judgeDisk } from '../../src/doctor/machine.js';
import { judgePartitions, judgeVersion } from '../../src/doctor/temporal.js';

/** A verdict other than ok has something to do. */
function expectVerdict(look: Look, verdict: Look['verdict'], found = ''): void {
  expect(look).toMatchObject({ verdict, found: expect.stringContaining(found) as string });
  expect(look.mend === null).toBe(verdict === 'ok');
}

const SERVER = { version: '18.1', name: 'surehook', size: '9 MB', used: 85, most: 100, standby: false };

test.each([
  [{}, null, 'ok', 'Postgres 18.1, database surehook of 9 MB, 85 of 100 connections in use'],
  [{ used: 86 }, null, 'warn', '86 of 100 connections'],
  [{ version: '17.6 (Debian 17.6-1)' }, null, 'warn', 'Postgres 17.6'],
  [{ version: '19beta1' }, null, 'ok', ''],
  [{ standby: true }, 'a pooler', 'fail', 'it is a read-only standby'],
  [{ used: 86 }, 'a pooler is in between', 'fail', 'a pooler is in between'],
] as const)('Postgres with %j and pooler fault %j: %s', (over, poolerFault, verdict, found) => {
  expectVerdict(judgeServer({ ...SERVER, ...over }, poolerFault), verdict, found);
});

const SENDER = { id: 'worker-1', alive: true, makes_attempts: true, paused: null };
const API = { ...SENDER, id: 'api-1', makes_attempts: false };

test.each([
  [[SENDER, API], 'ok', '2 running, 1 of them make attempts'],
  [[API], 'fail', '1 running, 0 of them make attempts'],
  [[API, { ...SENDER, alive: false }], 'fail', '1 running, 0 of them make attempts'],
  [[{ ...SENDER, alive: false }], 'fail', 'none runs'],
  [[SENDER, { ...SENDER, id: 'worker-2', paused: 'upgrade' }], 'warn', 'worker-2 has a file PAUSE: upgrade'],
  [[SENDER, { ...API, paused: 'upgrade' }], 'ok', ''],
] as const)('processes %j: %s', (processes, verdict, found) => {
  expectVerdict(judgeProcesses([...processes]), verdict, found);
});

test('a backlog is told of when its oldest delivery has waited for more than a minute', () => {
  const counts = { byStatus: { PENDING: 2, IN_PROGRESS: 3, HELD: 4 }, overdue: 1, workflowStartsWaiting: 6 };
  const found = '5 open deliveries, 4 held, 1 overdue, 6 workflows to start';
  expectVerdict(judgeBacklog({ ...counts, oldestSeconds: 60 }), 'ok', found);
  expectVerdict(judgeBacklog({ ...counts, oldestSeconds: 61 }), 'warn', `${found}; the oldest for 61 s`);
});

test.each([
  [2, 'ok', '2.0 GiB free for /data'],
  [1.9, 'warn', '1.9 GiB free for /data'],
  [0.25, 'warn', ''],
  [0.2, 'fail', '0.2 GiB free'],
] as const)('a disk with %d GiB free: %s', (gib, verdict, found) => {
  expectVerdict(judgeDisk(gib * 1024 ** 3, '/data'), verdict, found);
});

test.each([
  ['1.29.1', 'ok'],
  ['1.32.9', 'ok'],
  ['1.29.0', 'warn'],
  ['1.33.0', 'warn'],
  ['', 'warn'],
] as const)('the Temporal version %j: %s', (version, verdict) => {
  expectVerdict(judgeVersion(version, 'temporal:7233'), verdict, `Temporal ${version} at temporal:7233`);
});

test('a task queue of several partitions is told of', () => {
  expectVerdict(judgePartitions(1, 'deliveries'), 'ok', 'one partition');
  expectVerdict(judgePartitions(4, 'deliveries'), 'warn', 'the task queue deliveries has 4 partitions');
});
