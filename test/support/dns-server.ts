import { createSocket } from 'node:dgram';
import { once } from 'node:events';

const TYPE_A = 1;

/**
 * A name server that resolves every name to 127.0.0.1. `delayOf`: delay of a name's answer in milliseconds; null: no
 * answer. It needs port 53 and therefore a separate network namespace.
 */
export async function startDnsServer(delayOf: (name: string) => number | null) {
  const asked: string[] = [];
  const socket = createSocket('udp4');
  socket.on('message', (query, from) => {
    const { name, type, end } = questionOf(query);
    asked.push(name);
    const delayMs = delayOf(name);
    if (delayMs === null) return;
    const answers = type === TYPE_A ? 1 : 0;
    const header = Buffer.alloc(12);
    query.copy(header, 0, 0, 2);
    header.writeUInt16BE(0x8180, 2);
    header.writeUInt16BE(1, 4);
    header.writeUInt16BE(answers, 6);
    // RFC 1035, 4.1.3: name (pointer to the question), type A, class IN, TTL 0, length 4, 127.0.0.1.
    const answer = Buffer.from('c00c00010001000000000004' + '7f000001', 'hex');
    const reply = Buffer.concat([header, query.subarray(12, end), ...(answers ? [answer] : [])]);
    setTimeout(() => socket.send(reply, from.port, from.address), delayMs);
  });
  socket.bind(53, '127.0.0.1');
  await once(socket, 'listening');
  return { asked, close: () => socket.close() };
}

function questionOf(query: Buffer): { name: string; type: number; end: number } {
  const labels: string[] = [];
  let at = 12;
  for (let length = query[at]!; length > 0; length = query[at]!) {
    labels.push(query.toString('latin1', at + 1, at + 1 + length));
    at += 1 + length;
  }
  return { name: labels.join('.'), type: query.readUInt16BE(at + 1), end: at + 5 };
}
