import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { it } from 'vitest';

it('the types of the page are those of the OpenAPI document', async () => {
  const check = process.env.UPDATE_OPENAPI ? [] : ['--', '--check'];
  await promisify(execFile)('npm', ['run', 'types', '--workspace', 'dashboard', ...check]);
});
