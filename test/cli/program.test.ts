import { readFileSync } from 'node:fs';
import type { Command } from 'commander';
import { expect, test } from 'vitest';
import { createProgram } from '../../src/cli/program.js';
import { EXIT_CODES, exitCodeOf, ExitError } from '../../src/cli/exit-codes.js';
import { apiError, ConnectionError, TimeoutError } from '../../src/client/errors.js';
import { PROBLEM_CODES } from '../../src/http/problem-codes.js';
import { surehook } from '../support/surehook.js';

const DOCS = readFileSync(new URL('../../docs/cli.md', import.meta.url), 'utf8');

test('exit codes stay as they were published', () => {
  expect(EXIT_CODES).toEqual({
    ok: 0,
    failed: 1,
    usage: 2,
    notFound: 3,
    refused: 4,
    conflict: 5,
    unavailable: 6,
    interrupted: 130,
  });
});

test('the documentation has every exit code', () => {
  for (const code of Object.values(EXIT_CODES))
    expect(DOCS).toMatch(new RegExp(`^\\| +\`${code}\` +\\|`, 'm'));
});

/** Every status of the API, and those of a proxy before it. */
const BY_STATUS: Record<keyof typeof EXIT_CODES, number[]> = {
  ok: [],
  failed: [405, 415, 418, 500, 501],
  usage: [400, 413, 422],
  notFound: [404],
  refused: [401, 403],
  conflict: [409],
  unavailable: [429, 502, 503, 504],
  interrupted: [],
};

test('every status of an answer has its exit code', () => {
  const exitCode = (status: number) => exitCodeOf(apiError(new Response(null, { status }), ''));
  for (const [name, statuses] of Object.entries(BY_STATUS))
    for (const status of statuses)
      expect([status, exitCode(status)]).toEqual([status, EXIT_CODES[name as keyof typeof EXIT_CODES]]);
  const all = Object.values(BY_STATUS).flat();
  expect(Object.values(PROBLEM_CODES).filter(({ status }) => !all.includes(status))).toEqual([]);
});

test.each([
  [new ConnectionError('reset'), EXIT_CODES.unavailable],
  [new TimeoutError('late'), EXIT_CODES.unavailable],
  [new ExitError(127), 127],
  [new TypeError('a fault'), EXIT_CODES.failed],
])('%s ends with %d', (error, exitCode) => {
  expect(exitCodeOf(error)).toBe(exitCode);
});

/** The names of all commands that the help shows, such as `replay watch`. */
function commandsOf(command: Command, path: string[] = []): string[] {
  const shown = command.createHelp().visibleCommands(command);
  return shown
    .filter((one) => one.name() !== 'help')
    .flatMap((one) => [[...path, one.name()].join(' '), ...commandsOf(one, [...path, one.name()])]);
}

test('the documentation has an example of every command', () => {
  const commands = commandsOf(createProgram(process)).filter((name) => name !== 'replay new');
  expect(commands.length).toBeGreaterThan(30);
  expect(commands.filter((name) => !new RegExp(`^surehook ${name}\\b`, 'm').test(DOCS))).toEqual([]);
});

test.each([
  [[], 2, 'Usage: surehook'],
  [['evnts'], 2, "error: unknown command 'evnts'\n  (Did you mean events?)\n"],
  [['send'], 2, "error: missing required argument 'url'"],
  [['events', 'list', '--limit', 'x'], 2, 'Must be a whole number.'],
  [['deliveries', 'list', '--from', 'yesterday'], 2, 'Must be a time such as'],
  [['keys', 'create', 'ci', '--role', 'viewer', '--expires', 'soon'], 2, 'or 30d for in 30 days'],
  [['send', 'http://x', '{"a":'], 2, 'error: This is not JSON'],
  [['send', 'http://x', '@missing.json'], 2, 'error: The file cannot be read'],
  [['replay', '--rate', 'fast'], 2, 'Must be a number, 0 or more.'],
  [['mcp', '--http', '--allow-host', 'https://mcp.example'], 2, 'It must be the name of a host.'],
  [['replay'], 2, 'error: Say what to deliver again'],
  [['pause', '--reason', 'x', '--url', 'nonsense'], 2, 'must be an http(s) URL'],
  [['events', 'list', '--url', 'http://127.0.0.1:1'], 6, 'Is the server running?'],
  [['keys', 'rotate-encryption', '--forget', 'secret-of-mine'], 2, 'must be the id of a key'],
])('%j ends with %d and says why', async (args, code, message) => {
  const run = await surehook(args);
  expect(run).toMatchObject({ code, out: '' });
  expect(run.err).toContain(message);
  expect(run.err).not.toContain('secret-of-mine');
});

test('help and version are results', async () => {
  expect(await surehook(['--version'])).toMatchObject({ code: 0, err: '' });
  const help = await surehook(['deliveries', 'list', '--help']);
  expect(help).toMatchObject({ code: 0, err: '' });
  expect(help.out).toMatch(/--classification <name>[^]*Global Options:[^]*--json/);
});

test('with --json an error is an object, also one of the command line', async () => {
  const run = await surehook(['send', '--json']);
  expect(run).toMatchObject({ code: 2, out: '' });
  expect(JSON.parse(run.err)).toEqual({
    error: {
      message: "missing required argument 'url'",
      exit_code: 2,
      code: null,
      errors: [],
      request_id: null,
    },
  });
});

test.each([
  [['rep'], ['replay']],
  [
    ['deliveries', ''],
    ['list', 'get', 'retry', 'cancel', 'help'],
  ],
  [['deliveries', 'list', '--st'], ['--status']],
  [['deliveries', 'explain', '--u'], ['--url']],
])('%j is completed to %j', async (words, expected) => {
  const { out } = await surehook(['complete', '--', ...words]);
  expect(out.split('\n').filter(Boolean)).toEqual(expected);
});
