import type { Answer } from '../client/index.js';
import { short } from './foreign.js';

/** A line for each pause, and for the file PAUSE of the process that answered. */
export const pauseLines = ({ pauses, file }: Pick<Answer<'getControl'>, 'pauses' | 'file'>): string[] => [
  ...pauses.map(
    ({ tenant, reason, paused_by, paused_at }) =>
      `${tenant === null ? 'Everything' : `Tenant ${tenant}`} is paused since ${paused_at} by ${paused_by}: ${short(reason)}`,
  ),
  ...(file === null
    ? []
    : [`Everything is paused by the file PAUSE, until a person removes it: ${short(file)}`]),
];
