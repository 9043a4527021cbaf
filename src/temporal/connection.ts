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

/** The SDK's warnings and errors go into our log; its chatter does not. Once a process, before anything else of it. */
export function installTemporalLogger(log: Logger): void {
  const logger = new DefaultLogger('WARN', ({ level, message, meta }) =>
    log[LEVELS[level]](meta ?? {}, message),
  );
  Runtime.install({ logger, shutdownSignals: [] });
}

/** One connection for the client and the worker of a process. */
export interface Reached {
  connection: NativeConnection;
  client: Client;
}

export interface TemporalLink {
  /** Temporal once it answered for the first time; a connection that breaks later mends itself. */
  reached: Promise<Reached>;
  /** The same at once; throws while it never answered. */
  now(): Reached;
  /** Of the namespace, known once Temporal is reached. */
  attributes: SearchAttributes;
  close(): Promise<void>;
}

const RECONNECT_MS = 1_000;
/** A namespace that is mended, or made only now, is found out within this. */
const CHECK_MS = 60_000;

/** Tries until Temporal answers: a process that accepts events must be able to start without it. */
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
      // One that never answered is not waited for: should it answer yet, it is let go then.
      const closing = reached.then(({ connection }) => connection.close()).catch(() => {});
      if (current) await closing;
    },
  };
}

async function connect(options: TemporalOptions, attributes: SearchAttributes): Promise<Reached> {
  const connection = await NativeConnection.connect({
    address: options.address,
    // The SDK's gzip costs both sides CPU, for messages of a kilobyte.
    grpcCompression: { codec: 'none' },
    ...(options.tls || options.apiKey ? { tls: true } : {}),
    ...(options.apiKey ? { apiKey: options.apiKey } : {}),
  });
  try {
    await attributes.check(connection);
  } catch (error) {
    await connection.close();
    throw error;
  }
  return { connection, client: new Client({ connection, namespace: options.namespace }) };
}

/** Rejects where no worker asks for this queue's activities. */
export async function requirePollers({ client }: Reached, taskQueue: string): Promise<void> {
  const { pollers } = await client.workflowService.describeTaskQueue({
    namespace: client.options.namespace,
    taskQueue: { name: taskQueue },
    taskQueueType: ACTIVITY_QUEUE,
  });
  if (!pollers?.length) throw new Error(`No worker polls the task queue ${taskQueue}.`);
}
