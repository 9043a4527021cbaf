import { ApplicationFailure } from '@temporalio/common';
import { expect, test } from 'vitest';
import { withoutData } from '../../activities/index.js';

const failing = (error: unknown) => withoutData({ act: () => Promise.reject(error as Error) }).act();
const quoting = Object.assign(new Error('invalid input syntax for type integer: "canary"'), {
  code: '22P02',
});

test('an error that quotes data goes to Temporal without the data, also as a cause', async () => {
  for (const error of [quoting, new Error('after the commit', { cause: quoting })]) {
    const sent = await failing(error).catch((fault: Error) => [fault.message, fault.stack, fault.cause]);
    expect(JSON.stringify(sent)).not.toContain('canary');
    expect(JSON.stringify(sent)).toMatch(/invalid input syntax|after the commit/);
  }
});

test('any other error, and a result, pass as they are', async () => {
  const failure = ApplicationFailure.create({ type: 'HELD', message: 'held "so"' });
  await expect(failing(failure)).rejects.toBe(failure);
  expect(await withoutData({ act: (n: number) => Promise.resolve(n + 1) }).act(1)).toBe(2);
});
