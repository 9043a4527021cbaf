import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { expect, it } from 'vitest';
import { rawServer } from '../support/raw-server.js';

const SEND_MANY = fileURLToPath(new URL('../support/send-many.ts', import.meta.url));

it('256 concurrent answers of 65,000 one-byte chunks fit into a heap of 64 MiB', async () => {
  const chunks = Buffer.from('1\r\nx\r\n'.repeat(65_000));
  const server = await rawServer((socket) => {
    socket.write('HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n');
    socket.write(chunks);
  });
  const args = ['--max-old-space-size=64', '--import', 'tsx', SEND_MANY, server.url, '256'];
  const { stdout } = await promisify(execFile)(process.execPath, args);
  expect(JSON.parse(stdout)).toEqual({ 'response 200 4096 true': 256 });
  server.close();
});
