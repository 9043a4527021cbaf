import { once } from 'node:events';
import { connect, createServer, type AddressInfo } from 'node:net';

/**
 * A port of 127.0.0.1 that the system gives to nobody else for a minute. Only closed, it could be given to the very
 * server that is told to listen there, for one of its other ports; Temporal takes five. Linux keeps back a port with
 * a connection in TIME_WAIT, which the side that closes first has, and still lets it be listened on by its number.
 */
export async function freePort(): Promise<number> {
  const server = createServer((accepted) => accepted.end()).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  await once(connect(port, '127.0.0.1').resume(), 'close');
  server.close();
  await once(server, 'close');
  return port;
}

/** Rejects with one sentence naming the way out where nothing can listen there. */
export async function requireFreePort(port: number, host: string, variable: string): Promise<void> {
  const probe = createServer().listen(port, host);
  try {
    await once(probe, 'listening');
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    const why = code === 'EADDRINUSE' ? 'is in use' : `cannot be used (${message})`;
    throw new Error(`Port ${port} on ${host} ${why}; stop what listens there or set ${variable}.`, {
      cause: error,
    });
  }
  probe.close();
  await once(probe, 'close');
}

export async function isListening(port: number): Promise<boolean> {
  const socket = connect(port, '127.0.0.1');
  try {
    await once(socket, 'connect');
    return true;
  } catch {
    return false;
  } finally {
    socket.destroy();
  }
}
