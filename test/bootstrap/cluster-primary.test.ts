import { expect, test } from 'vitest';
import { connectionsOf } from '../../src/bootstrap/cluster-primary.js';

test('up to six processes fit into the 100 connections that Postgres allows by default', () => {
  for (let count = 1; count <= 6; count++) expect(connectionsOf(count)).toBeLessThanOrEqual(100);
  // Each process has enough connections, however many processes run.
  expect(connectionsOf(64) - connectionsOf(63)).toBeGreaterThanOrEqual(7);
});
