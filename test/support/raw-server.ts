import { once } from 'node:events';
import net, { type AddressInfo, type Socket } from 'node:net';

export interface RawServer {
  port: number;
  url: string;
  /** `accepted` counts all connections so far, `open` those open now. */
  accepted(): number;
  open(): number;
  close(): void;
}

/** A TCP server that answers with raw bytes; `onRequest` is called for each complete request. */
export async function rawServer(
  onRequest: (socket: Socket, of: { connection: number; request: number }) => void,
): Promise<RawServer> {
  const sockets = new Set<Socket>();
  let accepted = 0;
  const server = net.createServer((socket) => {
    const connection = ++accepted;
    let request = 0;
    let got = '';
    sockets.add(socket);
    socket.setNoDelay(true);
    socket.on('error', () => undefined).on('close', () => sockets.delete(socket));
    socket.on('data', (bytes) => {
      got += bytes.toString('latin1');
      for (let end = endOfRequest(got); end > 0; end = endOfRequest(got)) {
        got = got.slice(end);
        onRequest(socket, { connection, request: ++request });
      }
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  return {
    port,
    url: `http://127.0.0.1:${port}/`,
    accepted: () => accepted,
    open: () => sockets.size,
    close() {
      server.close();
      for (const socket of sockets) socket.destroy();
    },
  };
}

function endOfRequest(got: string): number {
  const head = got.indexOf('\r\n\r\n') + 4;
  const [, length] = /content-length: (\d+)/i.exec(got) ?? [];
  const end = head + Number(length);
  return head > 3 && got.length >= end ? end : 0;
}

/** Writes the parts in sequence, each in a separate TCP segment. */
export async function writeParts(socket: Socket, parts: (string | Buffer)[], everyMs = 0): Promise<void> {
  for (const part of parts) {
    if (socket.destroyed) return;
    socket.write(part, 'latin1' as BufferEncoding);
    await new Promise((done) => (everyMs ? setTimeout(done, everyMs) : setImmediate(done)));
  }
}
