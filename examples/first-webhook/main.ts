/** GET / stores a webhook for a URL that always answers 500: Surehook keeps sending it. */
import express from 'express';
import { createClient } from 'surehook';

const port = Number(process.env.PORT ?? 8000);
const surehook = createClient(); // SUREHOOK_URL and SUREHOOK_API_KEY of the environment
const app = express();

app.get('/', async (_request, response) => {
  const event = await surehook.send(`http://127.0.0.1:${port}/always-500`, { hello: 'world' });
  response.json({ id: event.id });
});

app.post('/always-500', (request, response) => {
  console.log('attempt', request.headers['webhook-attempt']);
  response.sendStatus(500);
});

app.listen(port, '127.0.0.1');
