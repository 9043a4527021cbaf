import { z } from 'zod';
import type { Row } from '../client/index.js';
import * as fields from './fields.js';
import { short } from './foreign.js';
import { issueLines, issueShape, shownIssue } from './issue-shape.js';
import { readTool } from './tool.js';

const shape = {
  id: z.string(),
  tenant: z.string(),
  url: z.string(),
  description: z.string().nullable(),
  event_types: z.array(z.string()),
  status: z.enum(['enabled', 'paused', 'disabled']),
  status_reason: z.string().nullable().describe('manual, gone (it answered 410) or failing (for five days).'),
  failing_since: z.string().nullable().describe('First failure since the last success.'),
};
type Endpoint = Row<'listEndpoints'>;

const shown = (endpoint: Endpoint): z.output<z.ZodObject<typeof shape>> => {
  const { id, tenant, url, description, event_types, status, status_reason, failing_since } = endpoint;
  return {
    ...{ id, tenant, event_types, status, status_reason, failing_since },
    url: short(url),
    description: description && short(description),
  };
};

const line = ({ id, tenant, url, status, status_reason, failing_since }: Endpoint) =>
  `${id} of ${tenant}, ${short(url)}: ${status}${status_reason ? ` (${status_reason})` : ''}${failing_since ? `, failing since ${failing_since}` : ''}`;

const list = readTool('read_endpoints', {
  title: 'List endpoints',
  description: 'Lists endpoints, the URLs of receivers, newest first.',
  input: {
    tenant: fields.tenant.exactOptional(),
    status: shape.status.exactOptional(),
    event_type: z.string().exactOptional().describe('Those that subscribe to it, such as order.created.'),
    ...fields.page,
  },
  output: { endpoints: z.array(z.object(shape)), next_cursor: fields.nextCursor },
  async run({ endpoints }, filters, options) {
    const { data, next_cursor } = await endpoints.list(filters, options);
    return {
      text: [...(data.length > 0 ? data.map(line) : ['No endpoint matches.']), ...fields.more(next_cursor)],
      data: { endpoints: data.map(shown), next_cursor },
    };
  },
});

const last24h = z.object({
  delivered: fields.count,
  failed: fields.count,
  cancelled: fields.count,
  success_rate: z.number().nullable().describe('From 0 to 1; null: nothing ended.'),
  latency_ms: z.object({ p50: z.number(), p95: z.number(), p99: z.number() }).nullable(),
  attempts: z.record(z.string(), fields.count).describe('By classification.'),
});

const health = readTool('read_endpoint_health', {
  title: 'Endpoint health',
  description:
    'Shows how an endpoint does: its state, the deliveries of the last 24 hours, and its open issues with what they mean and how to mend them.',
  input: { endpoint_id: fields.endpointId },
  output: { ...shape, last_24h: last24h, issues: z.array(z.object(issueShape)) },
  async run({ endpoints, issues }, { endpoint_id }, options) {
    const [endpoint, { totals }, open] = await Promise.all([
      endpoints.get(endpoint_id, options),
      endpoints.stats(endpoint_id, options),
      issues.list({ endpoint_id, limit: 20 }, options),
    ]);
    const { DELIVERED: delivered, FAILED: failed, CANCELLED: cancelled } = totals.deliveries;
    const { success_rate, latency_ms } = totals;
    const attempts = totals.attempts as Record<string, number>;
    return {
      text: [
        line(endpoint),
        `Last 24 hours: ${delivered} delivered, ${failed} failed, ${cancelled} cancelled${latency_ms ? `, answers within ${latency_ms.p50} ms (median)` : ''}`,
        ...(open.data.length > 0 ? open.data.flatMap(issueLines) : ['No open issue.']),
      ],
      data: {
        ...shown(endpoint),
        last_24h: { delivered, failed, cancelled, success_rate, latency_ms, attempts },
        issues: open.data.map(shownIssue),
      },
    };
  },
});

export const readEndpoints = [list, health];
