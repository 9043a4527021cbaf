import { once } from 'node:events';
import { createServer } from 'node:http';
import { connect, type AddressInfo, type Socket } from 'node:net';

export interface ProxyServer {
  /** Without credentials. */
  url: string;
  port: number;
  /** The CONNECT requests so far. */
  connects: { target: string; host: string | undefined; authorization: string | undefined }[];
  /** Answers the next CONNECT requests with these statuses, and closes, or never; after them it connects again. */
  refuseNext(...statuses: (number | 'hang')[]): void;
  close(): Promise<void>;
}

/** A real HTTP proxy for CONNECT. */
export async function startProxy(): Promise<ProxyServer> {
  const connects: ProxyServer['connects'] = [];
  const sockets = new Set<Socket>();
  let refusals: (number | 'hang')[] = [];
  const keep = (socket: Socket) => {
    sockets.add(socket.on('error', () => {}).on('close', () => sockets.delete(socket)));
  };
  const server = createServer((_request, response) => response.writeHead(400).end());
  server.on('connection', keep);
  server.on('connect', (request, client: Socket, head) => {
    const { host, 'proxy-authorization': authorization } = request.headers;
    connects.push({ target: request.url!, host, authorization });
    const refusal = refusals.shift();
    if (refusal === 'hang') return;
    if (refusal !== undefined)
      return void client.end(`HTTP/1.1 ${refusal} Refused\r\ncontent-length: 0\r\n\r\n`);
    const [, address = '', port] = /^\[?(.*?)\]?:(\d+)$/.exec(request.url!) ?? [];
    const upstream = connect(Number(port), address, () => {
      client.write('HTTP/1.1 200 Connection established\r\nvia: test\r\n\r\n');
      upstream.write(head);
      upstream.pipe(client);
      client.pipe(upstream);
    });
    keep(upstream);
    upstream.once('error', () => client.end('HTTP/1.1 502 Bad Gateway\r\n\r\n'));
    client.on('close', () => upstream.destroy());
    upstream.on('close', () => client.end());
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}`,
    port,
    connects,
    refuseNext: (...statuses) => void (refusals = statuses),
    async close() {
      const closed = once(server, 'close');
      server.close();
      for (const socket of sockets) socket.destroy();
      await closed;
    },
  };
}
