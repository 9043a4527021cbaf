import { execFile, execFileSync } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { beforeAll, describe, expect, it } from 'vitest';
import type { SendResult } from '../../src/webhook/send.js';

/** Arguments of `unshare` for a network and a mount namespace, so that resolv.conf can be replaced. */
const APART = ['--map-root-user', '--mount', '--net', 'sh', '-c'];
const isPossible = () => {
  try {
    execFileSync('unshare', [...APART, 'ip link set lo up && mount --bind /dev/null /etc/resolv.conf']);
    return true;
  } catch {
    return false;
  }
};

// Where the machine forbids namespaces, only resolve.test.ts covers this.
describe.runIf(isPossible())('360 new names of a zone whose name server never answers', () => {
  let run: { others: SendResult[]; late: SendResult[]; hanging: string[]; endedBefore: number };

  beforeAll(async () => {
    const dir = await mkdtemp(join(tmpdir(), 'surehook-dns-'));
    try {
      const conf = join(dir, 'resolv.conf');
      await writeFile(conf, 'nameserver 127.0.0.1\nsearch .\noptions timeout:3 attempts:2\n');
      const script = `ip link set lo up && mount --bind "$0" /etc/resolv.conf && exec "$@"`;
      const command = [process.execPath, '--import', 'tsx', 'test/support/hanging-names.ts'];
      const { stdout } = await promisify(execFile)('unshare', [...APART, script, conf, ...command], {
        env: { ...process.env, UV_THREADPOOL_SIZE: '64' },
      });
      run = JSON.parse(stdout) as typeof run;
    } finally {
      await rm(dir, { recursive: true });
    }
  });

  it('do not delay look-ups of other names, known or new, of the same tenant or another', () => {
    expect(run.others.map((result) => result.kind)).toEqual(Array(4).fill('response'));
    expect(run.endedBefore).toBe(0);
  });

  it('end as DNS_ERROR, or as UnsentError when they got no look-up', () => {
    expect(new Set(run.hanging)).toEqual(new Set(['DNS_ERROR', 'UnsentError']));
  });

  it('do not use up the deadline of requests that wait for a resolver thread', () => {
    expect(run.late.map((result) => result.kind)).toEqual(Array(16).fill('response'));
    // The last request started after the deadline of the first ones.
    const starts = run.late.map((result) => Date.parse(String(result.startedAt)));
    expect(Math.max(...starts) - Math.min(...starts)).toBeGreaterThan(2_000);
    for (const { latencyMs } of run.late) expect(latencyMs).toBeLessThan(2_000);
  });
});
