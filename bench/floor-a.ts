import { createServer } from 'node:http';
import pg from 'pg';
import { Pool } from 'undici';

/**
 * Floor A: HTTP in, one group commit, HTTP out, one group record, and nothing else. Nobody who keeps an event in Postgres
 * before the answer and its outcome after it does less. Arguments: database URL, receiver URL.
 */
const [databaseUrl, receiver] = process.argv.slice(2) as [string, string];
const db = new pg.Pool({ connectionString: databaseUrl, max: 4 });
await db.query(
  'create table if not exists floor (id bigint primary key, body text, status integer, done timestamptz)',
);
await db.query('truncate floor');
const out = new Pool(receiver, { connections: 64, pipelining: 1 });
/** Where events go: a PUT says, with `?fanOut=` for several requests an event. */
let paths = ['/'];

/** Calls that come while one is under way go together into the next. */
function grouped<T>(write: (items: T[]) => Promise<unknown>): (item: T) => Promise<void> {
  let waiting: { item: T; done: () => void }[] = [];
  let busy = false;
  const flush = async () => {
    busy = true;
    while (waiting.length > 0) {
      const now = waiting;
      waiting = [];
      await write(now.map(({ item }) => item));
      for (const { done } of now) done();
    }
    busy = false;
  };
  return (item) =>
    new Promise((done) => {
      waiting.push({ item, done });
      if (!busy) setImmediate(() => !busy && void flush());
    });
}

const insert = grouped<{ id: number; body: string }>((rows) =>
  db.query({
    name: 'insert',
    text: 'insert into floor (id, body) select * from unnest($1::bigint[], $2::text[])',
    values: [rows.map(({ id }) => id), rows.map(({ body }) => body)],
  }),
);
const record = grouped<{ id: number; status: number }>((rows) =>
  db.query({
    name: 'record',
    text: `update floor f set status = r.status, done = now() from unnest($1::bigint[], $2::int[]) r (id, status)
      where f.id = r.id`,
    values: [rows.map(({ id }) => id), rows.map(({ status }) => status)],
  }),
);

let last = 0;
const server = createServer((request, response) => {
  if (request.method === 'PUT') {
    const { pathname, searchParams } = new URL(request.url ?? '/', 'http://floor');
    const fanOut = Number(searchParams.get('fanOut') ?? 1);
    paths = fanOut === 1 ? [pathname] : Array.from({ length: fanOut }, (_, i) => `${pathname}/${i}`);
    response.writeHead(204).end();
    return;
  }
  const chunks: Buffer[] = [];
  request.on('data', (chunk: Buffer) => chunks.push(chunk));
  request.on('end', () => {
    const ids = paths.map(() => ++last);
    const [id] = ids;
    const text = Buffer.concat(chunks).toString();
    const { payload } = JSON.parse(text) as { payload: unknown };
    const body = JSON.stringify(payload);
    // One row a delivery; the body stands in the first.
    void Promise.all(ids.map((row, i) => insert({ id: row, body: i === 0 ? body : '' }))).then(() => {
      response.writeHead(202).end(`{"id":${id}}`);
      const headers = { 'webhook-id': `evt_${id}`, 'content-type': 'application/json' };
      const send = async (row: number, i: number) => {
        const answer = await out.request({ path: paths[i]!, method: 'POST', headers, body });
        await answer.body.dump();
        await record({ id: row, status: answer.statusCode });
      };
      ids.forEach((row, i) => void send(row, i));
    });
  });
});
server.listen(0, '127.0.0.1', () => {
  const address = server.address();
  console.log(JSON.stringify({ port: typeof address === 'object' ? address?.port : 0 }));
});
