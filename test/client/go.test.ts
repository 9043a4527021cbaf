import { execFile } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { hasGo } from '../support/languages.js';
import { examplesIn, expectClientExample } from '../support/readme.js';
import { ADMIN_KEY, startTestService, type TestService } from '../support/service.js';

const run = promisify(execFile);
const cwd = fileURLToPath(new URL('../../clients/go/', import.meta.url));
const MODULE = 'github.com/surehook/surehook/clients/go';

let t: TestService;
beforeAll(async () => {
  t = await startTestService();
});
afterAll(() => t.stop());

test.skipIf(!hasGo())('the tests of the Go client pass against the real server', async () => {
  const { stdout } = await run('go', ['test', '-count=1', './...'], { cwd, env: env() }).catch(
    (error: { stdout: string }) => error,
  );
  expect(stdout).toMatch(/^ok\s/);
});

/** The README's example in the function that it leaves to the reader. */
const application = (code: string) => `package main

import (
	"context"
	"fmt"
)

${code.replace('\n', '\n\nfunc run(ctx context.Context, order any) error {\n')}
	return nil
}

func main() {
	fmt.Println(run(context.Background(), map[string]string{"order_id": "1002"}))
}
`;

/** The other examples, in functions that have what they leave to the reader. */
const receivers = (examples: string[]) => `package main

import (
	"context"
	"net/http"

	surehook "${MODULE}"
)

${examples
  .map(
    (code, i) => `
func receive${i}(ctx context.Context, client *surehook.Client, body []byte, r *http.Request, secret string) {
	${code.replace('webhook, err', '_, err').replace('error { … }', 'error { return nil }')}
	_ = err
}
`,
  )
  .join('')}

func main() {}
`;

test.skipIf(!hasGo())(
  'another Go module gets the client by path, compiles the examples of its README, and runs the first',
  async () => {
    const dir = await mkdtemp(join(tmpdir(), 'surehook-go-'));
    try {
      // The client needs no other module.
      const go = (...args: string[]) => run('go', args, { cwd: dir, env: { ...env(), GOPROXY: 'off' } });
      await go('mod', 'init', 'example.test/app');
      await go('mod', 'edit', '-replace', `${MODULE}=${cwd}`);
      await go('get', `${MODULE}@v0.0.0`);
      await expectClientExample('clients/go/README.md', 'go', env(), async (code) => {
        await writeFile(join(dir, 'main.go'), application(code));
        expect((await go('run', '.')).stdout).toMatch(/^<nil>$/m);
      });
      const [, ...others] = await examplesIn('clients/go/README.md', 'go');
      await writeFile(join(dir, 'main.go'), receivers(others));
      await go('vet', '.');
    } finally {
      await rm(dir, { recursive: true, force: true });
    }
  },
);

const env = () => ({ ...process.env, SUREHOOK_URL: t.service.url!, SUREHOOK_API_KEY: ADMIN_KEY });
