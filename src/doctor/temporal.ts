import type { Client } from '@temporalio/client';
import { TASK_QUEUE } from '../../workflows/contract.js';
import { isTested, TESTED_VERSIONS } from '../embedded/temporal-version.js';
import { requirePollers } from '../temporal/connection.js';
import { attributeType, listAttributeFaults } from '../temporal/search-attributes.js';
import { fail, ok, warn, type Check, type Look } from './check.js';

export interface Temporal {
  client: Client;
  /** For the commands of the Temporal CLI. */
  address: string;
  taskQueue?: string;
}

/** The window of idempotency keys. */
const RETENTION_HOURS = 72;
/** grpc.status. */
const NOT_FOUND = 5;

const server: Check<Temporal> = {
  check: 'temporal',
  async look({ client, address }) {
    const { serverVersion = '' } = await client.workflowService.getSystemInfo({});
    return judgeVersion(serverVersion, address);
  },
};

export function judgeVersion(version: string, address: string): Look {
  const found = `Temporal ${version} at ${address}`;
  return isTested(version)
    ? ok(found)
    : warn(found, `Use a server of the versions that are tested: ${TESTED_VERSIONS}.`);
}

const namespace: Check<Temporal> = {
  check: 'namespace',
  async look({ client, address }) {
    const { namespace } = client.options;
    const cli = (verb: string) =>
      `temporal operator namespace ${verb} --retention ${RETENTION_HOURS}h --namespace ${namespace} --address ${address}`;
    const described = await client.workflowService
      .describeNamespace({ namespace })
      .catch((error: { code?: number }) => {
        if (error.code !== NOT_FOUND) throw error;
        return null;
      });
    if (!described) return fail(`there is no namespace ${namespace}`, cli('create'));
    const hours = Number(described.config?.workflowExecutionRetentionTtl?.seconds ?? 0) / 3_600;
    const found = `${namespace} keeps ended workflows for ${hours} h`;
    return hours < RETENTION_HOURS
      ? warn(
          `${found}, shorter than an idempotency key counts: a workflow id could be used twice`,
          cli('update'),
        )
      : ok(found);
  },
};

const searchAttributes: Check<Temporal> = {
  check: 'search attributes',
  async look({ client, address }) {
    const { namespace } = client.options;
    const faults = Object.entries(await listAttributeFaults(client.connection.operatorService, namespace));
    if (faults.length === 0) return ok('all registered');
    const names = faults.map(([name]) => `--name ${name} --type ${attributeType(name)}`).join(' ');
    return warn(
      `${faults.map(([name, why]) => `${name}: ${why}`).join('; ')}. Workflows start without them`,
      `temporal operator search-attribute create ${names} --namespace ${namespace} --address ${address}`,
    );
  },
};

const dynamicConfig: Check<Temporal> = {
  check: 'dynamic config',
  async look({ client, taskQueue = TASK_QUEUE }) {
    const { activityTaskQueuePartitions, workflowTaskQueuePartitions } =
      await client.workflowService.listTaskQueuePartitions({
        namespace: client.options.namespace,
        taskQueue: { name: taskQueue },
      });
    const most = Math.max(activityTaskQueuePartitions?.length ?? 0, workflowTaskQueuePartitions?.length ?? 0);
    return judgePartitions(most, taskQueue);
  },
};

export function judgePartitions(most: number, taskQueue: string): Look {
  return most > 1
    ? warn(
        `the task queue ${taskQueue} has ${most} partitions: retries wait longer for a worker`,
        'Set matching.numTaskqueueReadPartitions and matching.numTaskqueueWritePartitions to 1, as docker-compose.yml does.',
      )
    : ok(`the task queue ${taskQueue} has one partition`);
}

const workers: Check<Temporal> = {
  check: 'workers',
  look: ({ client, taskQueue = TASK_QUEUE }) =>
    requirePollers({ client }, taskQueue).then(
      () => ok(`a worker polls the task queue ${taskQueue}`),
      (error: Error) => fail(error.message, 'Start a worker: surehook start, or node dist/src/worker.js.'),
    ),
};

export const temporalChecks = [server, namespace, searchAttributes, dynamicConfig, workers];
