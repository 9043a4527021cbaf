import { once } from 'node:events';
import { connect, createServer, type Server, type Socket } from 'node:net';

/** A TCP proxy between two parts. What goes through it is left alone until one of its methods is called. */
export interface Proxy {
  port: number;
  /** Resets every connection, in both directions. */
  reset(): void;
  /** Resets every connection and refuses new ones until `accept`, as where nobody listens. */
  refuse(): Promise<void>;
  accept(): Promise<void>;
}

/** Listens on `port` for what listens, or will listen, on `target`. */
export async function startProxy(port: number, target: number): Promise<Proxy> {
  const open = new Set<Socket>();
  let server: Server | null = null;

  const forward = (from: Socket): void => {
    const to = connect(target, '127.0.0.1');
    for (const [socket, other] of [
      [from, to],
      [to, from],
    ] as const) {
      open.add(socket);
      socket.setNoDelay(true);
      socket.on('error', () => other.resetAndDestroy());
      socket.on('close', () => {
        open.delete(socket);
        other.destroySoon();
      });
      socket.pipe(other);
    }
  };
  const reset = () => open.forEach((socket) => socket.resetAndDestroy());
  const accept = async () => {
    if (server) return;
    server = createServer(forward).listen(port, '127.0.0.1');
    await once(server, 'listening');
  };
  await accept();
  return {
    port,
    reset,
    async refuse() {
      if (!server) return;
      const closed = once(server, 'close');
      server.close();
      server = null;
      reset();
      await closed;
    },
    accept,
  };
}
