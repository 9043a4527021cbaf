/** A link shortener. Its redirect publishes `link.clicked` and knows nothing of those who listen. */
import { randomBytes } from 'node:crypto';
import express from 'express';
import { createClient } from 'surehook';

const surehook = createClient();
const links = new Map<string, string>(); // In memory: keep yours in a database.
const app = express();

app.post('/links', express.json(), (request, response) => {
  const { url } = request.body as { url: string };
  if (!URL.canParse(url)) return void response.sendStatus(422);
  const code = randomBytes(6).toString('base64url');
  links.set(code, url);
  response.status(201).json({ code });
});

app.get('/:code', async (request, response) => {
  const { code } = request.params;
  const url = links.get(code);
  if (url === undefined) return void response.sendStatus(404);
  await surehook.publish('link.clicked', { code, url, address: request.ip });
  response.redirect(307, url);
});

app.listen(Number(process.env.PORT ?? 8000), '127.0.0.1');
