import { once } from 'node:events';
import { connect, createServer, type AddressInfo } from 'node:net';

/**
 * Returns a port of 127.0.0.1 that the system assigns to no other socket for a minute. A port that was only closed
 * could be assigned to the very server that is told to listen there, for another of its ports; Temporal takes five.
 * Linux holds back a port with a connection in TIME_WAIT, the state of the side that closes first, but lets a server
 * listen on it.
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

/** Rejects if nothing can listen on the port; the message names the variable to set. */
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
