/** Receives webhooks: verifies the bytes as they came, and stores each event once, also after a restart. */
import { randomUUID } from 'node:crypto';
import { link, mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import express from 'express';
import { verifyWebhook, WebhookVerificationError } from 'surehook';

const { WEBHOOK_SECRET, EVENTS = 'events', PORT = '9000' } = process.env;
if (!WEBHOOK_SECRET) throw new Error('Set WEBHOOK_SECRET.');
await mkdir(EVENTS, { recursive: true });

const app = express();
// The bytes: a body that was parsed cannot be verified.
const raw = express.raw({ type: () => true, limit: '512kb' });

app.post('/webhooks', raw, async (request, response) => {
  const body = request.body as Buffer;
  try {
    const { id } = verifyWebhook(body, request.headers, WEBHOOK_SECRET);
    console.log((await store(id, body)) ? 'received' : 'had before', id);
    response.sendStatus(204);
  } catch (error) {
    if (!(error instanceof WebhookVerificationError)) throw error;
    response.status(400).send(error.message);
  }
});

/** Stores an event in a file named by its id, whole or not at all; false: it is there. Work on these files afterwards. */
async function store(id: string, body: Buffer): Promise<boolean> {
  const temporary = join(EVENTS, `.${randomUUID()}`);
  await writeFile(temporary, body, { flush: true });
  try {
    await link(temporary, join(EVENTS, id));
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
    return false;
  } finally {
    await rm(temporary);
  }
}

app.listen(Number(PORT), '127.0.0.1');
