import { execFile, execFileSync } from 'node:child_process';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { ADMIN_KEY, startTestService, type TestService } from '../support/service.js';

const cwd = new URL('../../clients/go/', import.meta.url);

let t: TestService;
beforeAll(async () => {
  t = await startTestService();
});
afterAll(() => t.stop());

test.skipIf(!hasGo())('the tests of the Go client pass against the real server', async () => {
  const env = {
    ...process.env,
    SUREHOOK_URL: t.service.url!,
    SUREHOOK_API_KEY: ADMIN_KEY,
    GOFLAGS: '-count=1',
  };
  const { stdout } = await promisify(execFile)('go', ['test', './...'], { cwd, env }).catch(
    (error: { stdout: string }) => error,
  );
  expect(stdout).toMatch(/^ok\s/);
});

function hasGo(): boolean {
  try {
    execFileSync('go', ['version']);
    return true;
  } catch {
    return false;
  }
}
