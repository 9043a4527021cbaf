import { expect, test } from 'vitest';
import { createBackpressure } from '../../src/delivery/backpressure.js';
import {
  createClusterPeers,
  type PrimaryMessage,
  type ChildMessage,
} from '../../src/bootstrap/cluster-ipc.js';
import { eventually } from '../support/service.js';

const AUTO = { lane: 'auto', directAbove: 4 } as const;

test('first attempts that begin at another process do not count as waiting for Temporal', async () => {
  const reports: ChildMessage[] = [];
  const here = createClusterPeers(() => {});
  const there = createClusterPeers((report) => {
    reports.push(report);
    here.hear(report as PrimaryMessage);
  });
  const [lanes, others] = [createBackpressure(AUTO, here.peers), createBackpressure(AUTO, there.peers)];
  try {
    for (const id of ['a', 'b', 'c', 'd']) lanes.started(id, 1);
    // One with more deliveries than a workflow carries.
    lanes.started('e', 2);
    for (const id of ['a', 'b', 'c', 'd', 'e~p1', 'e~p2']) others.began(id);
    await eventually(async () => lanes.idle(), 1_000);
    expect(lanes.choose()).toBe('workflow');
    // Told together.
    expect(reports).toHaveLength(1);
  } finally {
    for (const one of [lanes, others]) one.close();
  }
});

test('first attempts that begin nowhere do', () => {
  const lanes = createBackpressure(AUTO);
  for (const id of ['a', 'b', 'c', 'd', 'e']) lanes.started(id, 1);
  expect(lanes.choose()).toBe('direct');
  lanes.close();
});
