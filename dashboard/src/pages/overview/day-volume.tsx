import { SegmentedControl } from '@mantine/core';
import { lazy, Suspense, useState } from 'react';
import { Facts } from '../../components/facts';
import { Loaded } from '../../components/loaded';
import { Section } from '../../components/section';
import { count, duration, percent } from '../../lib/format';
import { hoursOf } from './hours';
import { HourTable } from './hour-table';
import { useDayStats } from './use-day-stats';

const HourCharts = lazy(() => import('./hour-charts').then((m) => ({ default: m.HourCharts })));

/** Ended deliveries of the last 24 hours, by the hour, as a chart or a table. */
export function DayVolume() {
  const stats = useDayStats();
  const [view, setView] = useState('chart');
  return (
    <Section
      title="Last 24 hours"
      actions={
        <SegmentedControl
          size="xs"
          aria-label="Show the last 24 hours as"
          data={[
            { value: 'chart', label: 'Chart' },
            { value: 'table', label: 'Table' },
          ]}
          value={view}
          onChange={setView}
        />
      }
    >
      <Loaded query={stats}>
        {(day) => {
          const { events, deliveries, arrival_ms: arrival } = day.totals;
          const decided = deliveries.DELIVERED + deliveries.FAILED;
          return (
            <>
              <Facts
                of={{
                  'Events accepted': events === null ? null : count(events),
                  Delivered: count(deliveries.DELIVERED),
                  Failed: count(deliveries.FAILED),
                  'Success rate': percent(deliveries.DELIVERED, decided),
                  'Arrived within (50 % / 99 %)':
                    arrival && `${duration(arrival.p50)} / ${duration(arrival.p99)}`,
                }}
              />
              {view === 'chart' ? (
                <Suspense>
                  <HourCharts hours={hoursOf(day)} />
                </Suspense>
              ) : (
                <HourTable hours={hoursOf(day)} />
              )}
            </>
          );
        }}
      </Loaded>
    </Section>
  );
}
