import type { Command } from 'commander';
import type { Row } from '../../client/index.js';
import { ROLES, type Role } from '../../domain/role.js';
import { outputOf } from '../connect.js';
import { defined } from '../../lib/defined.js';
import type { Io } from '../io.js';
import { oneOf, timeAhead, withLimit, writeList, wholeNumber, type ListOptions } from '../list.js';
import type { Column } from '../output.js';
import { bold, dim } from '../text.js';
import { withClient } from '../with-client.js';

interface NewKey {
  role: Role;
  tenant?: string;
  expires?: string;
  rate?: number;
}

const COLUMNS: Column<Row<'listApiKeys'>>[] = [
  { title: 'ID', cell: ({ id }) => id },
  { title: 'ROLE', cell: ({ role }) => role },
  { title: 'TENANT', cell: ({ tenant }) => tenant ?? '(all)' },
  { title: 'LAST USED', cell: ({ last_used_at: at }) => at ?? 'never' },
  { title: 'ENDS', cell: (key) => (key.revoked_at ? dim('revoked') : (key.expires_at ?? 'never')) },
  { title: 'NAME', cell: ({ name }) => name },
];

/** `surehook keys`: the API keys, and the rotation of encryption keys. */
export function addKeys(program: Command, io: Io): void {
  const keys = program.command('keys').description('Manage API keys, and rotate encryption keys.');

  withLimit(keys.command('list').description('List API keys, newest first.'))
    .option('--tenant <tenant>', 'bound to this tenant')
    .option('--role <role>', ROLES.join(', '), oneOf(ROLES))
    .action(
      withClient(io, ({ client, out }, filters: ListOptions & { tenant?: string; role?: Role }) =>
        writeList(out, filters, (limit) => client.apiKeys.list(defined({ ...filters, limit })), COLUMNS),
      ),
    );

  keys
    .command('create')
    .description('Create an API key; it is shown once.')
    .argument('<name>', 'for people and the audit')
    .requiredOption('--role <role>', ROLES.join(', '), oneOf(ROLES))
    .option('--tenant <tenant>', 'bind it to this tenant')
    .option('--expires <time>', 'when it ends: ISO 8601, or in how long, such as 12h, 30d', timeAhead)
    .option('--rate <n>', 'requests a second, at most', wholeNumber)
    .action(
      withClient(io, async ({ client, out }, name: string, { role, tenant, expires, rate }: NewKey) => {
        const options = defined({ tenant, expires_at: expires, rate_per_second: rate });
        const made = await client.apiKeys.create({ name, role, ...options });
        out.result(made, () => {
          out.line(bold(made.key ?? made.id));
          out.note(`This is the key ${made.id}. It is shown only now.`);
        });
      }),
    );

  keys
    .command('revoke')
    .description('Revoke an API key.')
    .argument('<id>', 'of the key')
    .option('--reason <text>', 'for the audit')
    .action(
      withClient(io, async ({ client, out }, id: string, body: { reason?: string }) => {
        const revoked = await client.apiKeys.revoke(id, body);
        out.result(revoked, () => out.table([revoked], COLUMNS));
      }),
    );

  keys
    .command('rotate-encryption')
    .description('Encrypt every secret again with the first key of SUREHOOK_ENCRYPTION_KEYS.')
    .option('--forget <id>', 'give up a lost key, by its id')
    .action(async ({ forget }: { forget?: string }, command: Command) => {
      const { rotateEncryption } = await import('../rotate-encryption.js');
      const lines = await rotateEncryption(io.env, forget);
      const out = outputOf(io, command);
      out.result({ lines }, () => lines.forEach((line) => out.line(line)));
    });
}
