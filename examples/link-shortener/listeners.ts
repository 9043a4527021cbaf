/** Listeners of `link.clicked`, in a process of their own: add one, and start this process again. */
import { appendFileSync, existsSync, readFileSync } from 'node:fs';
import express from 'express';
import { createClient, type ReceivedEvent } from 'surehook';

type Click = ReceivedEvent<{ code: string; url: string; address: string }>;

const { PORT = '8001', CLICKS = 'clicks.txt' } = process.env;
const MAX_CLICKS_PER_MINUTE = 10;

const surehook = createClient();

surehook.on('link.clicked', function logClick({ id, payload }: Click) {
  console.log('clicked', payload.code, id);
});

const recent = new Map<string, Map<string, number>>();
surehook.on('link.clicked', function checkFraud({ id, payload: { address } }: Click) {
  const now = Date.now();
  const before = [...(recent.get(address) ?? [])].filter(([, at]) => at > now - 60_000);
  // By id: an event may come twice.
  const clicks = new Map([...before, [id, now]]);
  recent.set(address, clicks);
  if (clicks.size > MAX_CLICKS_PER_MINUTE) console.log('suspicious', address, id);
});

const counted = new Map(existsSync(CLICKS) ? readLines(CLICKS) : []);
surehook.on('link.clicked', function countClick({ id, payload: { code } }: Click) {
  if (counted.has(id)) return;
  appendFileSync(CLICKS, `${id} ${code}\n`);
  counted.set(id, code);
});

const app = express();
app.use('/hooks', surehook.receiver);
app.get('/clicks/:code', (request, response) => {
  const clicks = [...counted.values()].filter((code) => code === request.params.code);
  response.json({ clicks: clicks.length });
});
await surehook.register(`http://127.0.0.1:${PORT}/hooks`);
app.listen(Number(PORT), '127.0.0.1');

/** A line that a crash cut off is of an event that comes again. */
function readLines(file: string): [id: string, code: string][] {
  const lines = readFileSync(file, 'utf8').split('\n').slice(0, -1);
  return lines.map((line) => line.split(' ') as [string, string]);
}
