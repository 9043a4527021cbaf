import { execFileSync } from 'node:child_process';
import { expect, test } from 'vitest';
import { curlOf, quoted } from '../../dashboard/src/lib/curl.js';

const HOSTILE = `a'b "c" $(touch x) \`id\` \\ ; & | > * ? [1] {2} # ! ~ \n$HOME`;

test('a quoted text is one argument of a shell, whatever characters it has', () => {
  expect(execFileSync('sh', ['-c', `printf %s ${quoted(HOSTILE)}`]).toString()).toBe(HOSTILE);
});

test('the command that repeats a request has its URL, headers and body as arguments', () => {
  const command = curlOf({
    url: `https://a.example/[x]?q=${HOSTILE}`,
    headers: { 'x-one': HOSTILE, 'x-empty': '', 'webhook-signature': '[redacted]' },
    body: `@${HOSTILE}`,
  });
  // In place of curl: one argument a line, each ended by a mark.
  const script = `curl() { for one in "$@"; do printf '%s\\0' "$one"; done; }; ${command}`;
  expect(execFileSync('sh', ['-c', script]).toString().split('\0').slice(0, -1)).toEqual([
    '--globoff',
    '--request',
    'POST',
    `https://a.example/[x]?q=${HOSTILE}`,
    '--header',
    `x-one: ${HOSTILE}`,
    '--header',
    'x-empty;',
    '--data-raw',
    `@${HOSTILE}`,
  ]);
});
