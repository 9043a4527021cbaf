import { useMemo } from 'react';
import { TimeChart, type ChartLine } from '../../components/time-chart';
import { CHART_COLORS } from '../../lib/chart-colors';
import { count, percent, shortCount } from '../../lib/format';
import type { Hour } from './hours';

const rate = ({ delivered, failed }: Hour) =>
  delivered + failed === 0 ? null : (100 * delivered) / (delivered + failed);

/** Volume, and the success rate below it. */
export function HourCharts({ hours }: { hours: Hour[] }) {
  const { times, volume, success, bars } = useMemo(() => {
    const times = hours.map(({ startsAt }) => Date.parse(startsAt) / 1_000);
    return {
      times,
      volume: [
        hours.map(({ delivered, failed }) => delivered + failed),
        hours.map(({ delivered }) => delivered),
      ],
      success: hours.map(rate),
      bars: [
        {
          label: 'Failed',
          color: CHART_COLORS.failed,
          isBars: true,
          // The bar is as high as both: that of the delivered is drawn over it.
          value: (index) => count(hours[index]!.failed),
        },
        { label: 'Delivered', color: CHART_COLORS.delivered, isBars: true },
      ] satisfies ChartLine[],
    };
  }, [hours]);
  return (
    <>
      <TimeChart
        label="Delivered and failed deliveries of each hour; the table has the figures"
        values={[times, ...volume] as [number[], ...number[][]]}
        lines={bars}
        height={150}
        format={shortCount}
      />
      <TimeChart
        label="Success rate of each hour; the table has the figures"
        values={[times, success]}
        lines={SUCCESS}
        height={110}
        max={100}
        format={inPercent}
      />
    </>
  );
}

const inPercent = (value: number) => (Number.isInteger(value) ? `${value} %` : percent(value, 100)!);

const SUCCESS: ChartLine[] = [{ label: 'Success rate', color: CHART_COLORS.attempts }];
