import { Skeleton, Text } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { lazy, Suspense } from 'react';
import { Facts } from '../../components/facts';
import { Loaded } from '../../components/loaded';
import { Section } from '../../components/section';
import { CHART_COLORS } from '../../lib/chart-colors';
import { count, duration, percent } from '../../lib/format';
import { CLASSIFICATION_WORDS } from '../../lib/words';
import type { Classification } from '../../api/types';
import { endpointStatsQuery } from './queries';
import { attemptsByHour, type Hour } from './stats-hours';

const TimeChart = lazy(() =>
  import('../../components/time-chart').then((module) => ({ default: module.TimeChart })),
);

/** Attempts of the last 24 hours by hour. */
export function HealthSection({ id }: { id: string }) {
  const query = useQuery(endpointStatsQuery(id));
  return (
    <Section title="Last 24 hours">
      <Loaded query={query}>
        {(stats) => {
          const { attempts, deliveries, success_rate, latency_ms } = stats.totals;
          const failures = Object.entries(attempts)
            .filter(([name, value]) => name !== 'DELIVERED' && value > 0)
            .sort(([, a], [, b]) => b - a)
            .map(([name, value]) => `${CLASSIFICATION_WORDS[name as Classification].label} ${count(value)}`);
          const total = Object.values(attempts).reduce((sum, value) => sum + value, 0);
          if (total === 0)
            return (
              <Text size="sm" c="dimmed">
                No attempts in the last 24 hours.
              </Text>
            );
          return (
            <>
              <Facts
                of={{
                  Delivered: count(deliveries.DELIVERED),
                  'Failed for good': count(deliveries.FAILED),
                  'Success rate': success_rate === null ? null : percent(success_rate, 1),
                  Attempts: count(total),
                  'Time to answer (50 % / 99 %)':
                    latency_ms && `${duration(latency_ms.p50)} / ${duration(latency_ms.p99)}`,
                  'Failed attempts': failures.length > 0 ? failures.join(', ') : 'none',
                }}
              />
              <Suspense fallback={<Skeleton h={180} mt="sm" />}>
                <Chart hours={attemptsByHour(stats)} />
              </Suspense>
            </>
          );
        }}
      </Loaded>
    </Section>
  );
}

/** Bars of all attempts, over which those of the delivered ones are drawn. */
const Chart = ({ hours }: { hours: Hour[] }) => (
  <TimeChart
    label="Attempts by hour, delivered and failed"
    height={180}
    format={count}
    values={[
      hours.map(({ at }) => at / 1_000),
      hours.map(({ delivered, failed }) => delivered + failed),
      hours.map(({ delivered }) => delivered),
    ]}
    lines={[
      {
        label: 'Failed',
        color: CHART_COLORS.failed,
        isBars: true,
        value: (i) => count(hours[i]?.failed ?? 0),
      },
      { label: 'Delivered', color: CHART_COLORS.delivered, isBars: true },
    ]}
  />
);
