import { execFile } from 'node:child_process';
import { expect, test } from 'vitest';

const CODE = `
  import { logUncaught } from './dist/src/bootstrap/uncaught.js';
  logUncaught();
  const error = Object.assign(new Error('violates a constraint'), { code: '23514', detail: 'Failing row: canary' });
`;

test.each([
  ['an exception', 'setTimeout(() => { throw error; });'],
  ['a rejection', 'void Promise.reject(error); setTimeout(() => {}, 60_000);'],
])('%s that nothing handles ends the process, and its line quotes no row', async (_what, end) => {
  const args = ['--input-type=module', '--eval', CODE + end];
  const { code, out, err } = await new Promise<{ code: unknown; out: string; err: string }>((resolve) => {
    execFile(process.execPath, args, (failure, out, err) => resolve({ code: failure?.code, out, err }));
  });
  expect({ code, out }).toEqual({ code: 1, out: '' });
  expect(JSON.parse(err)).toMatchObject({
    level: 60,
    err: { message: 'violates a constraint', code: '23514' },
  });
  expect(err).not.toContain('canary');
});
