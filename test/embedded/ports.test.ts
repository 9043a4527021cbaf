import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { expect, it } from 'vitest';
import { freePort } from '../../src/embedded/ports.js';

// Other systems give out their ports in sequence.
it.runIf(process.platform === 'linux')(
  'freePort reserves a port in TIME_WAIT that can still be listened on',
  async () => {
    const port = await freePort();
    const hex = port.toString(16).toUpperCase().padStart(4, '0');
    // The fourth column is the state; 06 is TIME_WAIT (include/net/tcp_states.h).
    expect(await readFile('/proc/net/tcp', 'utf8')).toMatch(new RegExp(`: 0100007F:${hex} \\S+ 06 `));

    const server = createServer().listen(port, '127.0.0.1');
    await once(server, 'listening');
    server.close();
  },
);
