import { execFile, spawnSync } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { seedExamples } from '../support/examples.js';
import { ADMIN_KEY, startTestService, type TestService } from '../support/service.js';

/** Installed by `.ci/schemathesis`. */
const isInstalled = spawnSync('schemathesis', ['--version']).status === 0;
const MAX_MS = 240_000;

/**
 * Valid requests may be refused for reasons that no schema can say, such as an endpoint that is disabled, or a name that is
 * taken: `positive_data_acceptance` is not checked. Nor is `ignored_auth`: an address with many unknown keys gets 429 instead
 * of 401, and `access.test.ts` walks all operations. An event of a batch is refused on its own, and the batch accepted.
 */
const CONFIG = `
[checks]
positive_data_acceptance.enabled = false
ignored_auth.enabled = false

# Its answer has no end.
[[operations]]
include-operation-id = "getLive"
enabled = false

[[operations]]
include-operation-id = "postEvents"
checks.negative_data_rejection.enabled = false
`;

let t: TestService;
let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'surehook-schemathesis-'));
  // Requests name any host: nothing may be sent.
  const pauseFile = join(folder, 'PAUSE');
  await writeFile(pauseFile, 'for the test');
  await writeFile(join(folder, 'schemathesis.toml'), CONFIG);
  t = await startTestService({ pauseFile });
  await seedExamples(t.pool);
});
afterAll(async () => {
  await t.stop();
  await rm(folder, { recursive: true });
});

test.skipIf(!isInstalled)(
  'no request that schemathesis makes of the document gets a 500, or an answer beside the document',
  async () => {
    const options = [
      ...['--config-file', 'schemathesis.toml', 'run', `${t.service.url}/openapi.json`],
      ...['--header', `Authorization: Bearer ${ADMIN_KEY}`],
      ...['--phases', 'examples,coverage,fuzzing', '--max-examples', '20'],
      ...['--seed', '1', '--generation-deterministic'],
      ...['--workers', '1', '--continue-on-failure', '--no-color', '--warnings', 'off'],
    ];
    const run = promisify(execFile)('schemathesis', options, { cwd: folder, maxBuffer: 64 * 1024 * 1024 });
    const { code, stdout, stderr } = await run.then(
      (done) => ({ ...done, code: 0 }),
      (failed: { code: number; stdout: string; stderr: string }) => failed,
    );
    expect(code, stdout + stderr).toBe(0);
  },
  MAX_MS,
);
