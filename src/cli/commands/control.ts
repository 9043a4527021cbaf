import type { Command } from 'commander';
import type { Answer } from '../../client/index.js';
import { defined } from '../../lib/defined.js';
import type { Io } from '../io.js';
import type { Output } from '../output.js';
import { green, red } from '../text.js';
import { withClient } from '../with-client.js';

interface Scoped {
  tenant?: string;
  reason?: string;
}

/** `surehook pause` and `surehook resume`: the kill switch, for everything or a tenant. */
export function addControl(program: Command, io: Io): void {
  program
    .command('pause')
    .description('Stop sending, everything or for a tenant; events are accepted and held.')
    .option('--tenant <tenant>', 'only this tenant')
    .requiredOption('--reason <text>', 'every held delivery shows it')
    .action(
      withClient(io, async ({ client, out }, scoped: Scoped) =>
        writeControl(out, await client.control.pause(scopeOf(scoped))),
      ),
    );
  program
    .command('resume')
    .description('Send again what was paused, at a rate that grows.')
    .option('--tenant <tenant>', 'only this tenant')
    .option('--reason <text>', 'for the audit')
    .action(
      withClient(io, async ({ client, out }, scoped: Scoped) =>
        writeControl(out, await client.control.resume(scopeOf(scoped))),
      ),
    );
}

function scopeOf({ tenant, reason }: Scoped) {
  const why = defined({ reason });
  return tenant === undefined
    ? { scope: 'all' as const, ...why }
    : { scope: 'tenant' as const, tenant, ...why };
}

/** Writes all that is paused now. */
function writeControl(out: Output, control: Answer<'getControl'>): void {
  out.result(control, () => {
    for (const { tenant, reason, paused_by, paused_at } of control.pauses)
      out.line(
        red(tenant === null ? 'everything is paused' : `tenant ${tenant} is paused`),
        `: ${reason} (${paused_by}, ${paused_at})`,
      );
    if (control.file !== null) out.line(red('everything is paused by the file PAUSE'), `: ${control.file}`);
    if (control.pauses.length === 0 && control.file === null) out.line(green('nothing is paused'));
  });
}
