import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { beforeAll, describe, expect, it } from 'vitest';
import { rawServer } from '../support/raw-server.js';
import { startReceiver } from '../support/receiver.js';
import { startSender } from '../support/sending.js';
import { makeCertificates, type Certificates } from '../support/tls.js';

const SEND_MANY = fileURLToPath(new URL('../support/send-many.ts', import.meta.url));
const TIMEOUT_MS = 4_000;
/** Time until the process does nothing but wait for its sockets and timers. */
const AT_REST_MS = 500;
const OK = 'HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok';

describe('a process that was frozen', () => {
  it('reads the 50 answers that arrived while it was frozen past its deadline', async () => {
    const waiting: (() => Promise<void>)[] = [];
    const server = await rawServer((socket) => {
      waiting.push(() => new Promise((sent) => socket.write(OK, () => sent())));
    });
    const args = ['--import', 'tsx', SEND_MANY, server.url, '50', String(TIMEOUT_MS)];
    const sending = promisify(execFile)(process.execPath, args);
    await expect.poll(() => waiting.length, { timeout: 30_000, interval: 5 }).toBe(50);
    await new Promise((later) => setTimeout(later, AT_REST_MS));
    sending.child.kill('SIGSTOP');
    await Promise.all(waiting.map((answer) => answer()));
    await new Promise((later) => setTimeout(later, TIMEOUT_MS + 500));
    sending.child.kill('SIGCONT');
    expect(JSON.parse((await sending).stdout)).toEqual({ 'response 200 2 false': 50 });
    server.close();
  });

  let certificates: Certificates;
  beforeAll(async () => {
    certificates = await makeCertificates();
  });

  it.each(['http', 'https'])(
    'gives a connection over %s that the freeze delayed its full time again',
    async (how) => {
      const receiver = await startReceiver(how === 'https' ? { tls: certificates.valid } : {});
      const sender = startSender({ ca: certificates.ca });
      const sending = sender.send(receiver.url, { timeoutMs: 400 });
      stand(1_500);
      expect(await sending).toMatchObject({ kind: 'response', status: 200 });
      expect(receiver.requests).toHaveLength(1);
      await sender.close();
      await receiver.close();
    },
  );

  it('still ends at its deadline when no answer has arrived', async () => {
    const receiver = await startReceiver({ behave: () => ({ hang: true }) });
    const sender = startSender();
    const sending = sender.send(receiver.url, { timeoutMs: 400 });
    await receiver.waitFor((requests) => requests.length === 1);
    stand(1_500);
    expect(await sending).toMatchObject({ fault: 'TIMEOUT' });
    await sender.close();
    await receiver.close();
  });

  function stand(ms: number): void {
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms);
  }
});
