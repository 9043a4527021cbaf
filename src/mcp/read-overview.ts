import { z } from 'zod';
import * as fields from './fields.js';
import { foreign, foreignText, short } from './foreign.js';
import { issueLines, issueShape, shownIssue } from './issue-shape.js';
import { pauseLines } from './pause-lines.js';
import { readTool } from './tool.js';

const issues = readTool('read_issues', {
  title: 'What fails now',
  description:
    'Lists what fails, by endpoint and classification, the last seen first: what it means, how to mend it, and a delivery as an example. A good first look.',
  input: {
    status: z.enum(['open', 'acknowledged', 'all']).default('open'),
    tenant: fields.tenant.exactOptional(),
    endpoint_id: fields.endpointId.exactOptional(),
    ...fields.page,
  },
  output: { issues: z.array(z.object(issueShape)), next_cursor: fields.nextCursor },
  async run({ issues }, filters, options) {
    const { data, next_cursor } = await issues.list(filters, options);
    const lines = data.length > 0 ? data.flatMap(issueLines) : ['Nothing fails.'];
    return {
      text: [...lines, ...fields.more(next_cursor)],
      data: { issues: data.map(shownIssue), next_cursor },
    };
  },
});

const pauseShape = z.object({
  scope: z.enum(['all', 'tenant']),
  tenant: z.string().nullable(),
  reason: foreignText,
  paused_by: z.string().describe('An API key, or admin.'),
  paused_at: z.string(),
});

const MAX_REASON = 500;

const pauses = readTool('read_pauses', {
  title: 'What is paused',
  description:
    'Shows whether everything, or a tenant, is paused: its open deliveries are HELD. read_endpoints shows paused endpoints.',
  input: {},
  output: {
    everything_paused: z.boolean(),
    file: foreignText.nullable().describe('The reason in the file PAUSE; null: there is none.'),
    pauses: z.array(pauseShape),
  },
  async run({ control }, _input, options) {
    const state = await control.get(options);
    const { paused, pauses, file } = state;
    const lines = pauseLines(state);
    return {
      text: lines.length > 0 ? lines : 'Nothing is paused.',
      data: {
        everything_paused: paused,
        file: file === null ? null : foreign(file, MAX_REASON),
        pauses: pauses.map(({ scope, tenant, reason, paused_by, paused_at }) => ({
          ...{ scope, tenant, paused_by, paused_at },
          reason: foreign(reason, MAX_REASON),
        })),
      },
    };
  },
});

const matchShape = z.object({
  endpoint_id: z.string(),
  reached: z.boolean(),
  held: z.boolean(),
  reason: z.string().nullable(),
});

const match = readTool('read_matching_endpoints', {
  title: 'Dry run of an event',
  description:
    'Says which endpoints an event would reach, and why not the others. Nothing is stored or sent.',
  input: {
    type: z.string().describe('Such as order.created.'),
    payload: z.unknown().describe('Any JSON value.'),
    tenant: fields.tenant.exactOptional(),
  },
  output: {
    accepted: z.boolean().describe('False: the event would be refused, for these errors.'),
    errors: z.array(z.string()),
    endpoints: z.array(matchShape).describe('The newest 50 of the tenant.'),
  },
  async run({ endpoints }, { type, payload = null, ...rest }, options) {
    const { accepted, errors, data } = await endpoints.match({ type, payload, ...rest }, options);
    const shown = data.map(({ endpoint_id, reached, held, reason }) => ({
      ...{ endpoint_id, reached, held },
      reason: reason && short(reason),
    }));
    const faults = errors.map(({ path, message }) => short(`${path}: ${message}`));
    return {
      text: [
        accepted ? 'The event would be accepted.' : 'The event would be refused:',
        ...faults,
        ...shown.map(
          ({ endpoint_id, reached, reason }) =>
            `${endpoint_id}: ${reached ? 'reached' : 'not reached'}${reason ? `. ${reason}` : ''}`,
        ),
      ],
      data: { accepted, errors: faults, endpoints: shown },
    };
  },
});

export const readOverview = [issues, pauses, match];
