import { Code, Group } from '@mantine/core';
import { useIsPortal } from '../../api/api-context';
import type { Endpoint } from '../../api/types';
import { EndpointBadge } from '../../components/badges';
import { Facts } from '../../components/facts';
import { prettyJson } from '../../components/json-area';
import { Section } from '../../components/section';
import { TimeAgo } from '../../components/time-ago';
import { duration } from '../../lib/format';
import { inSeconds } from '../../lib/seconds';
import { TextLink } from '../../components/text-link';
import { Tag } from '../../components/tag';
import { HeldCount, LastSuccess } from './row-figures';

/** The settings of an endpoint; those that are as by default are left out. */
export function EndpointFacts({ endpoint }: { endpoint: Endpoint }) {
  const isPortal = useIsPortal();
  const { id, tenant, event_types, status, description, filter, failing_since } = endpoint;
  return (
    <Section title="Details">
      <Facts
        of={{
          Status: <EndpointBadge status={status} isFailing={failing_since !== null} />,
          Tenant: isPortal ? null : (
            <TextLink to="/tenants/$id" params={{ id: tenant }}>
              {tenant}
            </TextLink>
          ),
          'Event types': (
            <Group gap={4}>
              {event_types.map((type) => (
                <Tag key={type} color="gray">
                  {type}
                </Tag>
              ))}
            </Group>
          ),
          Description: description,
          'Held deliveries': <HeldCount id={id} />,
          'Last success': <LastSuccess id={id} />,
          'Failing since': failing_since && <TimeAgo at={failing_since} />,
          Filter: filter && (
            <Code block tabIndex={0}>
              {prettyJson(filter)}
            </Code>
          ),
          ...settingsOf(endpoint),
          Created: <TimeAgo at={endpoint.created_at} />,
          Changed: <TimeAgo at={endpoint.updated_at} />,
        }}
      />
    </Section>
  );
}

function settingsOf(endpoint: Endpoint) {
  const { headers, metadata, retry_schedule, permanent_statuses, extra_signature, content_type } = endpoint;
  const list = (values: string[]) => (values.length > 0 ? values.join(', ') : null);
  return {
    Timeout: duration(endpoint.timeout_ms),
    Retries: retry_schedule
      ? `after ${retry_schedule.map(inSeconds).join(', ')}`
      : 'default schedule, 12 attempts',
    'Retried, too': endpoint.retry_on === 'all' ? 'redirects and refusals (3xx, 4xx)' : null,
    'Never retried': list(permanent_statuses.map(String)),
    Signature: endpoint.signature === 'hmac' ? 'HMAC-SHA256' : 'Ed25519',
    'Second signature': extra_signature?.header,
    Headers: list(Object.keys(headers)),
    Body: endpoint.body === 'envelope' ? 'envelope with type, timestamp and data' : null,
    'Content type': content_type,
    'Basic authentication': endpoint.basic_auth && `user ${endpoint.basic_auth.username}`,
    'Client certificate': endpoint.client_certificate && 'set',
    Authorities: endpoint.ca && 'own',
    Metadata: list(Object.entries(metadata).map(([name, value]) => `${name}: ${value}`)),
  };
}
