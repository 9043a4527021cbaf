import { InvalidArgumentError, type Command } from 'commander';
import { patternsMatching } from '../../domain/event.js';
import { connect } from '../connect.js';
import type { Io } from '../io.js';
import { splitList } from '../list.js';

interface TailOptions {
  type?: string;
  endpoint?: string;
  status?: string[];
  tenant?: string;
  newest: number;
}

/** Words for the status of a delivery after an attempt. */
const STATUSES: Record<string, string> = {
  delivered: 'DELIVERED',
  retrying: 'IN_PROGRESS',
  failed: 'FAILED',
  cancelled: 'CANCELLED',
};

/** `surehook tail`: one line for each attempt, until it is ended. */
export function addTail(program: Command, io: Io): void {
  program
    .command('tail')
    .description('Print one line for each attempt, as they are made.')
    .option('--type <type>', 'of events of this type, or with these, such as order.*')
    .option('--endpoint <id>', 'to this endpoint')
    .option(
      '--status <status>',
      `after which a delivery is ${Object.keys(STATUSES).join(', ')}`,
      parseStatuses,
    )
    .option('--tenant <tenant>', 'of this tenant')
    .option('-n, --newest <n>', 'attempts before now to begin with, at most 250', parseCount, 10)
    .action(async ({ type, endpoint, status, tenant, newest }: TailOptions, command: Command) => {
      const [{ followAttempts }, { createAttemptLines }] = await Promise.all([
        import('../follow-attempts.js'),
        import('../attempt-lines.js'),
      ]);
      const { client, out } = await connect(io, command);
      const lineOf = createAttemptLines();
      const filters = {
        ...(tenant === undefined ? {} : { tenant }),
        ...(endpoint === undefined ? {} : { endpoint_id: endpoint }),
      };
      for await (const attempt of followAttempts(client, { filters, newest, note: out.note })) {
        if (status && !status.includes(attempt.status)) continue;
        if (type !== undefined && !patternsMatching(attempt.event_type).includes(type)) continue;
        out.result(attempt, () => out.line(...lineOf(attempt)));
      }
    });
}

function parseStatuses(given: string): string[] {
  return splitList(given).map((word) => {
    const status = STATUSES[word.toLowerCase()];
    if (!status) throw new InvalidArgumentError(`Must be of ${Object.keys(STATUSES).join(', ')}.`);
    return status;
  });
}

function parseCount(given: string): number {
  if (!/^\d{1,3}$/.test(given) || Number(given) > 250)
    throw new InvalidArgumentError('Must be a whole number from 0 to 250.');
  return Number(given);
}
