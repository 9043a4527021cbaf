import { createServer, type ServerResponse } from 'node:http';

/** A receiver in a process of its own: counts each event, and how long it took from the sender's request to here. */

interface Path {
  requests: number;
  ids: Set<string>;
  /** Milliseconds, of first arrivals. */
  latencies: number[];
  lastAt: number;
  /** When webhooks came again. */
  againAt: number[];
}
const paths = new Map<string, Path>();
const SENT = /^\{"sent":([\d.]+)/;

/** `/delay/200`: answers after 200 ms; `/hang`: never; `/fail`: 503; `/well-again`: 503 to each webhook's first request; all else: at once. */
const server = createServer((request, response) => {
  const { url = '/' } = request;
  if (request.method === 'GET') return report(url, response);
  const chunks: Buffer[] = [];
  request.on('data', (chunk: Buffer) => chunks.push(chunk));
  request.on('end', () => {
    const now = performance.timeOrigin + performance.now();
    const path = paths.get(url) ?? { requests: 0, ids: new Set(), latencies: [], lastAt: 0, againAt: [] };
    paths.set(url, path);
    path.requests += 1;
    path.lastAt = now;
    const id = String(request.headers['webhook-id']);
    const first = !path.ids.has(id);
    if (first) {
      path.ids.add(id);
      const sent = SENT.exec(chunks[0]?.toString('latin1', 0, 40) ?? '')?.[1];
      if (sent) path.latencies.push(now - Number(sent));
    } else path.againAt.push(now);
    if (url.startsWith('/hang')) return;
    const delay = /^\/delay\/(\d+)/.exec(url)?.[1];
    if (url.startsWith('/fail') || (first && url.startsWith('/well-again'))) response.writeHead(503).end();
    else if (delay) setTimeout(() => response.end('ok'), Number(delay));
    else response.end('ok');
  });
});

/** Requests at the paths that begin so; `?reset` forgets them. */
function report(url: string, response: ServerResponse): void {
  const { pathname, searchParams } = new URL(url, 'http://x');
  const chosen = [...paths].filter(([path]) => path.startsWith(pathname));
  const latencies = chosen.flatMap(([, path]) => path.latencies).sort((a, b) => a - b);
  const at = (share: number) =>
    latencies[Math.min(latencies.length - 1, Math.floor(latencies.length * share))] ?? null;
  const sum = (of: (path: Path) => number) => chosen.reduce((n, [, path]) => n + of(path), 0);
  response.end(
    JSON.stringify({
      requests: sum((path) => path.requests),
      distinct: sum((path) => path.ids.size),
      lastAt: Math.max(0, ...chosen.map(([, path]) => path.lastAt)),
      p50: at(0.5),
      p99: at(0.99),
      again: perSecond(chosen.flatMap(([, path]) => path.againAt)),
    }),
  );
  if (searchParams.has('reset')) chosen.forEach(([path]) => paths.delete(path));
}

/** How many in each second, from the first of them on. */
function perSecond(times: number[]): number[] {
  const first = times.reduce((a, b) => Math.min(a, b), Infinity);
  const counts: number[] = [];
  for (const time of times) {
    const second = Math.floor((time - first) / 1_000);
    counts[second] = (counts[second] ?? 0) + 1;
  }
  return Array.from(counts, (count) => count ?? 0);
}

server.keepAliveTimeout = 120_000;
server.listen(0, '127.0.0.1', () => {
  const address = server.address();
  console.log(JSON.stringify({ port: typeof address === 'object' ? address?.port : 0 }));
});
