import { randomBytes } from 'node:crypto';
import { fileURLToPath } from 'node:url';
import pg from 'pg';
import { inject } from 'vitest';
import { createLogger } from '../../src/observability/logger.js';
import { startService } from '../../src/bootstrap/service.js';
import type { Service, ServiceOptions } from '../../src/bootstrap/service-options.js';
import { checkAnswer } from './conformance.js';
import { createDatabase } from './database.js';
import { firstEvent, isEventStream } from './event-stream.js';
import './quiet.js';
import { TEMPLATE } from './template.js';

export { createDatabase };
export { eventually } from './eventually.js';

export interface Answer<T = Record<string, unknown>> {
  status: number;
  headers: Headers;
  body: T;
}

export interface TestService {
  service: Service;
  databaseUrl: string;
  taskQueue: string;
  pool: pg.Pool;
  /** A string `body` is sent unchanged, anything else as JSON. Of a stream, the first event is answered. Throws where the OpenAPI document does not allow the answer. */
  call<T = Record<string, unknown>>(
    method: string,
    path: string,
    body?: unknown,
    headers?: Record<string, string>,
  ): Promise<Answer<T>>;
  stop(): Promise<void>;
}

export const ADMIN_KEY = 'test-admin-key-of-enough-length';
export const ENCRYPTION_KEY = Buffer.alloc(32, 1).toString('base64');

/** Built once for all files, by servers.ts: a build at each start would take a second of CPU. */
export const WORKFLOW_BUNDLE = fileURLToPath(
  new URL('../../dist/src/temporal/workflow-bundle.cjs', import.meta.url),
);

export const temporalAt = (address: string, namespace = 'default'): ServiceOptions['temporal'] => ({
  address,
  namespace,
  tls: false,
  apiKey: null,
  uiUrl: null,
});

/** Starts the real service, with a new database and task queue unless given. */
export async function startTestService(over: Partial<ServiceOptions> = {}): Promise<TestService> {
  const name = over.taskQueue ?? `t_${randomBytes(6).toString('hex')}`;
  const databaseUrl = over.databaseUrl ?? (await createDatabase(name, TEMPLATE));
  const options: ServiceOptions = {
    host: '127.0.0.1',
    port: 0,
    databaseUrl,
    temporal: temporalAt(inject('temporalAddress')),
    adminKey: ADMIN_KEY,
    encryptionKeys: [ENCRYPTION_KEY],
    allowNetworks: ['127.0.0.0/8'],
    // 5 s, 15 s, 45 s … become 50 ms, 150 ms, 450 ms …
    retryScale: 0.01,
    log: createLogger('silent'),
    taskQueue: name,
    workflowBundle: WORKFLOW_BUNDLE,
    ...over,
  };
  const service = await startService(options);
  await service.ready;
  const pool = new pg.Pool({ connectionString: databaseUrl, max: 3 });
  return {
    service,
    databaseUrl,
    taskQueue: name,
    pool,
    async call<T>(method: string, path: string, body?: unknown, headers: Record<string, string> = {}) {
      const response = await fetch(service.url + path, {
        method,
        headers: { authorization: `Bearer ${ADMIN_KEY}`, ...headers },
        ...(body === undefined ? {} : { body: typeof body === 'string' ? body : JSON.stringify(body) }),
      });
      // A stream does not end: its first event stands for it.
      const text = isEventStream(response) ? await firstEvent(response) : await response.text();
      const answer = {
        status: response.status,
        headers: response.headers,
        body: (text && isJson(response) ? JSON.parse(text) : text || null) as T,
      };
      checkAnswer({ method, path }, answer);
      return answer;
    },
    async stop() {
      await pool.end();
      await service.stop();
    },
  };
}

const isJson = (response: Response) =>
  isEventStream(response) || /json/.test(response.headers.get('content-type') ?? '');
