import { Skeleton, Text } from '@mantine/core';
import { lazy, Suspense, useMemo } from 'react';
import { Section } from '../../components/section';
import { CHART_COLORS } from '../../lib/chart-colors';
import { rateOf, type LiveState, type Measure } from '../../live/live-state';
import { useLive } from '../../live/use-live';
import { useIsDark } from '../../lib/use-is-dark';
import classes from './overview.module.css';

const TimeChart = lazy(() => import('../../components/time-chart').then((m) => ({ default: m.TimeChart })));

const LINES: readonly { of: Measure; label: string; color: readonly [string, string] }[] = [
  { of: 'accepted', label: 'Accepted', color: CHART_COLORS.accepted },
  { of: 'delivered', label: 'Delivered', color: CHART_COLORS.delivered },
  { of: 'failed', label: 'Failed', color: CHART_COLORS.failed },
  { of: 'attempts', label: 'Attempts', color: CHART_COLORS.attempts },
];
const HEIGHT = 180;

/** `0`, `0.25`, `12`, `1,234` */
const rate = (value: number) =>
  value < 10 ? String(Number(value.toFixed(2))) : Math.round(value).toLocaleString('en');

export function LiveFigures() {
  const live = useLive();
  const isDark = useIsDark();
  const values = useMemo(() => seriesOf(live.points), [live.points]);
  return (
    <Section title="Per second">
      <dl className={classes.figures}>
        {LINES.map(({ of, label, color }) => {
          const value = rateOf(live, of);
          return (
            <div key={of}>
              <dt>
                <span style={{ background: color[isDark ? 1 : 0] }} aria-hidden />
                {label}
              </dt>
              <dd>
                {value === null ? '–' : rate(value)} <span>/s</span>
              </dd>
            </div>
          );
        })}
      </dl>
      <Suspense fallback={<Skeleton h={HEIGHT} />}>
        <TimeChart
          label="Accepted events, delivered and failed deliveries, and attempts per second in the last minutes"
          values={values}
          lines={LINES}
          height={HEIGHT}
          format={rate}
          isNamedElsewhere
        />
      </Suspense>
      <Text size="xs" c="dimmed">
        Events accepted, deliveries that ended, and requests made, as the mean of the last 10 seconds. The
        chart keeps 10 minutes.
      </Text>
    </Section>
  );
}

function seriesOf(points: LiveState['points']): [number[], ...(number | null)[][]] {
  // Where the counts begin again, the line has a gap.
  const per = (of: Measure) =>
    points.map((point) => (point.seconds === 0 ? null : point[of] / point.seconds));
  return [points.map(({ at }) => at / 1_000), ...LINES.map(({ of }) => per(of))];
}
