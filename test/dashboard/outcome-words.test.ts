import { expect, test } from 'vitest';
import { outcomeInWords } from '../../dashboard/src/lib/outcome-words.js';

test('the outcome of an event names the status that a person should see first', () => {
  const inWords = (outcome: Parameters<typeof outcomeInWords>[0]) => {
    const words = outcomeInWords(outcome, (status) => (status === 'IN_PROGRESS' ? 'Retrying' : status));
    return words && `${words.label} (${words.status})`;
  };
  expect(inWords({})).toBeNull();
  expect(inWords({ IN_PROGRESS: 1 })).toBe('Retrying (IN_PROGRESS)');
  expect(inWords({ DELIVERED: 3 })).toBe('3 delivered (DELIVERED)');
  expect(inWords({ DELIVERED: 2, IN_PROGRESS: 1 })).toBe('2 of 3 delivered, 1 retrying (IN_PROGRESS)');
  expect(inWords({ DELIVERED: 1, FAILED: 2, HELD: 1 })).toBe('1 of 4 delivered, 2 failed, 1 held (FAILED)');
  expect(inWords({ FAILED: 2 })).toBe('0 of 2 delivered, 2 failed (FAILED)');
});
