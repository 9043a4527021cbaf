import { Anchor, SimpleGrid } from '@mantine/core';
import type { ReactNode } from 'react';
import type { Settings } from '../../api/types';
import { Facts } from '../../components/facts';
import { OutLink } from '../../components/out-link';
import { Section } from '../../components/section';
import { count, duration } from '../../lib/format';

const WORKFLOWS: Record<Settings['workflows'], string> = {
  all: 'every event',
  open: 'events that their first attempt did not deliver',
  none: 'none; replays only',
};

/** The settings that matter most, in words. */
export function Summary({ settings }: { settings: Settings }) {
  const { database, temporal, egress, limits, retry_policy: retry } = settings;
  const groups: Record<string, Record<string, ReactNode>> = {
    Service: {
      Surehook: settings.version,
      Node: settings.node,
      'Public address': settings.public_url,
      Attempts: settings.makes_attempts ? 'made by this process, too' : 'made by other processes only',
      Reference: (
        <>
          <Anchor href="/docs" inherit>
            API
          </Anchor>
          {', '}
          <Anchor href="/metrics" inherit>
            metrics
          </Anchor>
        </>
      ),
    },
    'Requests to receivers': {
      'Allowed besides public addresses': egress.allow_networks.join(', ') || 'nothing',
      Ports: egress.allow_ports?.join(', ') ?? 'every port',
      Proxy: egress.proxy ?? 'none: receivers are called directly',
    },
    Retries: {
      Attempts: `at most ${retry.max_attempts}`,
      'First retry': `after ${wait(retry.initial_seconds * retry.scale)}`,
      'Each further one': `${retry.coefficient} times later, at most ${wait(retry.max_seconds * retry.scale)}`,
    },
    Limits: {
      'Payload of an event': `${count(limits.payload_bytes / 1_024)} KiB`,
      'Events in a batch': count(limits.batch_events),
      'Endpoints of a tenant': limit(limits.endpoints_per_tenant),
      'Events per second of a tenant': limit(limits.events_per_second_per_tenant),
    },
    Postgres: { Server: `${database.host}:${database.port}`, Database: database.name },
    Temporal: {
      Server: temporal.address,
      Namespace: temporal.namespace,
      TLS: temporal.tls ? 'on' : 'off',
      'Workflows of': WORKFLOWS[settings.workflows],
      'Web UI': temporal.ui_url && <OutLink to={temporal.ui_url}>{temporal.ui_url}</OutLink>,
    },
  };
  return (
    <SimpleGrid cols={{ base: 1, lg: 2 }}>
      {Object.entries(groups).map(([title, facts]) => (
        <Section key={title} title={title}>
          <Facts of={facts} />
        </Section>
      ))}
    </SimpleGrid>
  );
}

const wait = (seconds: number) => duration(seconds * 1_000);
const limit = (most: number | null) =>
  most === null ? 'unlimited, unless a tenant has its own quota' : count(most);
