import { expect, test } from 'vitest';
import { connectionsOf } from '../../src/bootstrap/cluster-primary.js';

test('up to eight processes are content with a Postgres as it comes, which allows 100 connections', () => {
  for (let count = 1; count <= 8; count++) expect(connectionsOf(count)).toBeLessThanOrEqual(100);
  // Each has enough to work with, however many they are.
  expect(connectionsOf(64) - connectionsOf(63)).toBeGreaterThanOrEqual(7);
});
