/**
 * `npm run demo`: real GitHub payloads to receivers that fail in every way there is, and what becomes of them.
 * With `-- --keep` it stays up, so that the links into Temporal's Web UI can be followed.
 */
import { makeCertificates } from '../../test/support/tls.js';
import { runAll } from './all.js';
import { startReceivers } from './receivers.js';
import { runRow, type Outcome } from './row.js';
import { ROWS } from './rows.js';
import { aborted, RETRY_SCALE, startStack } from './stack.js';

const BLOCKED_URL = 'http://169.254.169.254/latest/meta-data/';
const say = (line = '') => console.log(line);

async function demo(release: (() => Promise<unknown>)[], signal: AbortSignal, keep: boolean) {
  const certificates = await makeCertificates();
  const receivers = await startReceivers(certificates);
  release.push(() => receivers.close());
  const { api, uiUrl } = await startStack({ release, signal, ca: certificates.ca, say });
  const deps = { api, receivers };

  say(`${ROWS.length} receivers, retry delays × ${RETRY_SCALE} …`);
  const outcomes = await Promise.all(ROWS.map((row) => runRow(deps, row)));
  const blocked = await api.call<{ code: string }>(
    'POST',
    '/v1/endpoints',
    JSON.stringify({ url: BLOCKED_URL, event_types: ['*'] }),
  );
  say('all example payloads …');
  const all = await runAll(deps);

  say();
  printTable(outcomes);
  say();
  const refused = blocked.status === 422 && blocked.body.code === 'address_blocked';
  say(`endpoint at ${BLOCKED_URL}: answered ${blocked.status} ${blocked.body.code} (${asExpected(refused)})`);
  say(
    `all payloads of @octokit/webhooks-examples: ${all.posted} posted, ${all.skipped} over 256 KiB skipped, ` +
      `${all.delivered} delivered, ${all.verified} verified, ${all.intact} byte for byte, ` +
      `in ${all.seconds.toFixed(1)} s (${asExpected(all.asExpected)})`,
  );
  const verified = receivers.hooks.reduce((sum, hook) => sum + hook.verified, 0);
  const unverified = receivers.hooks.reduce((sum, hook) => sum + hook.unverified, 0);
  say(`signatures checked by standardwebhooks: ${verified} verified, ${unverified} not`);
  const differ = outcomes.filter(({ problems }) => problems.length);
  say(`rows as expected: ${outcomes.length - differ.length} of ${outcomes.length}`);
  for (const { row, problems } of differ) say(`  ${row.shows}: ${problems.join('; ')}`);

  say();
  if (keep) {
    say(`The Web UI stays up at ${uiUrl} and the API at ${api.url}: Ctrl-C ends them.`);
    await aborted(signal).catch(() => {});
  } else {
    say('The links work while the demo runs: npm run demo -- --keep');
  }
  return differ.length === 0 && refused && all.asExpected && unverified === 0;
}

const asExpected = (yes: boolean) => (yes ? 'as expected' : 'NOT AS EXPECTED');

function printTable(outcomes: Outcome[]): void {
  const head = ['receiver', 'event type', 'attempts', 'classification', 'final state', 'expected', 'link'];
  const body = outcomes.map(({ row, type, attempts, trail, state, link, problems }) => {
    return [row.shows, type, attempts, trail, state, problems.length ? 'NO' : 'yes', link];
  });
  const lines = [head, ...body];
  const widths = head.map((_, column) => Math.max(...lines.map((cells) => cells[column]!.length)));
  lines.splice(
    1,
    0,
    widths
      .slice(0, -1)
      .map((width) => '-'.repeat(width))
      .concat('----'),
  );
  for (const cells of lines)
    say(
      cells
        .map((cell, at) => cell.padEnd(widths[at]!))
        .join('  ')
        .trimEnd(),
    );
}

const interrupt = new AbortController();
for (const name of ['SIGINT', 'SIGTERM'] as const) {
  process.on(name, () => {
    if (interrupt.signal.aborted) return;
    say('stopping …');
    interrupt.abort(new Error(`Stopped by ${name}.`));
  });
}
const release: (() => Promise<unknown>)[] = [];
let code: number;
try {
  const good = await demo(release, interrupt.signal, process.argv.includes('--keep'));
  code = good ? 0 : 1;
} catch (error) {
  code = interrupt.signal.aborted ? 130 : 1;
  console.error(error instanceof Error ? error.message : String(error));
} finally {
  for (const step of release.reverse()) {
    await step().catch((error: unknown) => console.error(String(error)));
  }
}
process.exit(code);
