import { expect, test } from 'vitest';
import { attemptRecord, lostRecord } from '../../src/delivery/attempt-record.js';
import { withoutContents } from '../../workflows/contract.js';

const { attempt } = lostRecord({ id: 'del_1', claim: 1, attempt_count: 0, max_attempts: 2 });

test('Temporal holds nothing of what was sent and answered', () => {
  const kept = withoutContents({
    ...attempt,
    ...{
      request_headers: { 'x-a': 'canary' },
      response_headers: { 'x-b': 'canary' },
      response_body: 'canary',
    },
  });
  expect(kept).toMatchObject({
    request_headers: {},
    response_headers: {},
    response_body: null,
    truncated: true,
  });
  expect(JSON.stringify(kept)).not.toContain('canary');
  expect(attemptRecord({ id: 'del_1', claim: 1 }, kept, 'retry').attempt).toBe(kept);
});

test.each([
  ['100', '100'],
  ['Wed, 21 Oct 2099 07:28:00 GMT', 'Wed, 21 Oct 2099 07:28:00 GMT'],
  ['canary', null],
  ['{"card":"canary"}', null],
  [null, null],
])('of Retry-After, only a time that can be read is kept: %s', (retry_after, kept) => {
  expect(withoutContents({ ...attempt, retry_after }).retry_after).toBe(kept);
});
