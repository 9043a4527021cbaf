import { Client } from '@temporalio/client';
import { DefaultLogger, NativeConnection, Runtime } from '@temporalio/worker';
import type { Logger } from 'pino';

const INDEXED_VALUE_TYPE = { Tenant: 2, EventType: 2, BatchId: 2, EndpointIds: 7 } as const;
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
export async function connectTemporal(
  options: TemporalOptions,
): Promise<{ connection: NativeConnection; client: Client }> {
  const connection = await NativeConnection.connect({
    address: options.address,
    ...(options.tls || options.apiKey ? { tls: true } : {}),
    ...(options.apiKey ? { apiKey: options.apiKey } : {}),
  });
  return { connection, client: new Client({ connection, namespace: options.namespace }) };
}

/** Registers what `temporal workflow list --query` may ask for; those already there are left alone. */
export async function registerSearchAttributes(
  connection: NativeConnection,
  namespace: string,
): Promise<void> {
  const present = await connection.operatorService.listSearchAttributes({ namespace });
  const missing = Object.fromEntries(
    Object.entries(INDEXED_VALUE_TYPE).filter(([name]) => !present.customAttributes?.[name]),
  );
  if (Object.keys(missing).length === 0) return;
  await connection.operatorService.addSearchAttributes({ namespace, searchAttributes: missing });
}

/** Rejects where no worker asks for this queue's activities. */
export async function requirePollers(client: Client, taskQueue: string): Promise<void> {
  const { pollers } = await client.workflowService.describeTaskQueue({
    namespace: client.options.namespace,
    taskQueue: { name: taskQueue },
    taskQueueType: ACTIVITY_QUEUE,
  });
  if (!pollers?.length) throw new Error(`No worker polls the task queue ${taskQueue}.`);
}
