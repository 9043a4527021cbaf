import express from 'express';
import { pino } from 'pino';
import { expect, test, vi } from 'vitest';
import { createErrorHandler, createProblemWriter } from '../../src/http/error-handler.js';
import { startServer } from '../../src/http/server.js';

test('an error after an answer has begun cuts the answer, is logged, and is printed by nobody else', async () => {
  const log = pino({ level: 'silent' });
  const logged = vi.spyOn(log, 'error');
  const printed = vi.spyOn(console, 'error');
  const app = express();
  // As in production: under "test", Express prints nothing.
  app.set('env', 'production');
  app.get('/', async (_request, response) => {
    // Once this is sent, the answer has begun for its reader, too.
    await new Promise((sent) => response.writeHead(200, { 'content-length': 10 }).write('begun', sent));
    throw new Error('canary');
  });
  app.use(createErrorHandler(createProblemWriter(log)));
  const server = await startServer(app, { host: '127.0.0.1', port: 0 });
  try {
    const answer = await fetch(server.url);
    expect(answer.status).toBe(200);
    await expect(answer.text()).rejects.toThrow('terminated');
    expect(logged).toHaveBeenCalledOnce();
    expect(printed).not.toHaveBeenCalled();
  } finally {
    await server.close();
  }
});
