import { once } from 'node:events';
import { connect, createServer, type Server, type Socket } from 'node:net';

/** A TCP proxy between two parts. Traffic passes unchanged until one of its methods is called. */
export interface Proxy {
  port: number;
  /** Resets every connection, in both directions. */
  reset(): void;
  /** Resets every connection and refuses new ones until `accept`, as where nobody listens. */
  refuse(): Promise<void>;
  accept(): Promise<void>;
  /**
   * As `refuse`, as soon as the target has answered `answer` on a connection that had sent `question`: that answer still
   * arrives, and nothing after it. Resolves then.
   */
  refuseAfter(question: string, answer: string): Promise<void>;
}

/** Listens on `port` for what listens, or will listen, on `target`. */
export async function startProxy(port: number, target: number): Promise<Proxy> {
  const open = new Set<Socket>();
  let server: Server | null = null;
  let last: { question: string; answer: string; answered(): void } | null = null;

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
    let asked = false;
    // After the pipes: what is seen here has been forwarded.
    from.on('data', (chunk) => (asked ||= last !== null && chunk.includes(last.question)));
    to.on('data', (chunk) => {
      if (!asked || !last || !chunk.includes(last.answer)) return;
      const { answered } = last;
      last = null;
      open.delete(from);
      to.unpipe(from);
      from.end(answered);
      void refuse();
    });
  };
  const reset = () => open.forEach((socket) => socket.resetAndDestroy());
  const accept = async () => {
    if (server) return;
    server = createServer(forward).listen(port, '127.0.0.1');
    await once(server, 'listening');
  };
  const refuse = async () => {
    if (!server) return;
    const closed = once(server, 'close');
    server.close();
    server = null;
    reset();
    await closed;
  };
  await accept();
  return {
    port,
    reset,
    refuse,
    accept,
    refuseAfter: (question, answer) =>
      new Promise((resolve) => (last = { question, answer, answered: () => resolve() })),
  };
}
