import { Client } from '@temporalio/client';
import { DefaultLogger, NativeConnection, Runtime } from '@temporalio/worker';
import type { Logger } from 'pino';
import { TemporalAwayError } from '../delivery/workflow-gateway.js';
import { createSearchAttributes, type SearchAttributes } from './search-attributes.js';

/** temporal.api.enums.v1.TaskQueueType. */
const ACTIVITY_QUEUE = 2;

export interface TemporalOptions {
  address: string;
  namespace: string;
  tls: boolean;
  apiKey: string | null;
}

const LEVELS = { TRACE: 'trace', DEBUG: 'debug', INFO: 'info', WARN: 'warn', ERROR: 'error' } as const;

/** Sends the SDK's warnings and errors to our log. Call once per process, before any other use of the SDK. */
export function installTemporalLogger(log: Logger): void {
  const logger = new DefaultLogger('WARN', ({ level, message, meta }) =>
    log[LEVELS[level]](meta ?? {}, message),
  );
  Runtime.install({ logger, shutdownSignals: [] });
}

/** One connection, shared by the client and the worker of a process. */
export interface Reached {
  connection: NativeConnection;
  client: Client;
}

export interface TemporalLink {
  /** Resolves when Temporal answers for the first time; a connection that breaks later reconnects by itself. */
  reached: Promise<Reached>;
  /** The same without waiting; throws `TemporalAwayError` before the first answer. */
  now(): Reached;
  /** The namespace's search attributes, known once Temporal is reached. */
  attributes: SearchAttributes;
  close(): Promise<void>;
}

const RECONNECT_MS = 1_000;
/** Missing search attributes are checked again at this interval: the namespace may have been repaired or made. */
const CHECK_MS = 60_000;

/** Retries until Temporal answers: a process that accepts events must be able to start without Temporal. */
export function linkTemporal(options: TemporalOptions, log: Logger): TemporalLink {
  let current: Reached | null = null;
  let closed = false;
  const attributes = createSearchAttributes(options.namespace, log);

  async function reach(): Promise<Reached> {
    for (let tries = 0; !closed; tries++) {
      try {
        return (current = await connect(options, attributes));
      } catch (error) {
        const level = tries === 0 ? 'warn' : 'debug';
        log[level]({ err: error, address: options.address }, 'Temporal does not answer; trying on');
        await new Promise((resolve) => setTimeout(resolve, RECONNECT_MS));
      }
    }
    throw new Error('closed');
  }

  const recheck = setInterval(() => {
    if (current && attributes.reason() !== null) attributes.check(current.connection).catch(() => {});
  }, CHECK_MS);
  recheck.unref();
  const reached = reach();
  reached.catch(() => {});
  return {
    reached,
    attributes,
    now() {
      if (!current) throw new TemporalAwayError(`Temporal at ${options.address} does not answer.`);
      return current;
    },
    async close() {
      closed = true;
      clearInterval(recheck);
      // Do not wait for a Temporal that never answered: if it answers later, its connection is closed then.
      const closing = reached.then(({ connection }) => connection.close()).catch(() => {});
      if (current) await closing;
    },
  };
}

/** The options of a connection of any kind to the server; an API key is sent over TLS only. */
export const serverOf = ({ address, tls, apiKey }: Omit<TemporalOptions, 'namespace'>) => ({
  address,
  ...(tls || apiKey ? { tls: true } : {}),
  ...(apiKey ? { apiKey } : {}),
});

async function connect(options: TemporalOptions, attributes: SearchAttributes): Promise<Reached> {
  const connection = await NativeConnection.connect({
    ...serverOf(options),
    // The SDK's default, gzip, costs both sides CPU for messages of a kilobyte.
    grpcCompression: { codec: 'none' },
  });
  try {
    await attributes.check(connection);
  } catch (error) {
    await connection.close();
    throw error;
  }
  return { connection, client: new Client({ connection, namespace: options.namespace }) };
}

/** Rejects if no worker polls this queue for activities. */
export async function requirePollers({ client }: Pick<Reached, 'client'>, taskQueue: string): Promise<void> {
  const { pollers } = await client.workflowService.describeTaskQueue({
    namespace: client.options.namespace,
    taskQueue: { name: taskQueue },
    taskQueueType: ACTIVITY_QUEUE,
  });
  if (!pollers?.length) throw new Error(`No worker polls the task queue ${taskQueue}.`);
}
