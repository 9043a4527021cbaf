import { useQuery } from '@tanstack/react-query';
import { count, percent } from '../../lib/format';
import classes from './health-sparkline.module.css';
import { endpointStatsQuery } from './queries';
import { attemptsByHour } from './stats-hours';

const WIDTH = 5;
const HEIGHT = 22;

/** Attempts of each of the last 24 hours as bars: failed ones at the top, in red. */
export function HealthSparkline({ id }: { id: string }) {
  const { data: stats } = useQuery(endpointStatsQuery(id));
  if (!stats) return null;
  const hours = attemptsByHour(stats);
  const [delivered, failed] = [
    sum(hours.map((hour) => hour.delivered)),
    sum(hours.map((hour) => hour.failed)),
  ];
  const total = delivered + failed;
  if (total === 0) return <span className={classes.none}>no attempts</span>;
  const top = Math.max(...hours.map((hour) => hour.delivered + hour.failed));
  const words = `${count(total)} attempts in the last 24 hours, ${percent(delivered, total)} delivered`;
  return (
    <span className={classes.line} title={words}>
      <svg role="img" aria-label={words} width={WIDTH * hours.length} height={HEIGHT}>
        {hours.map((hour, i) => {
          const height = (value: number) => (value === 0 ? 0 : Math.max(2, (value / top) * HEIGHT));
          const [good, bad] = [height(hour.delivered), height(hour.failed)];
          const x = i * WIDTH;
          return (
            <g key={hour.at}>
              <rect x={x} y={HEIGHT - 1} width={WIDTH - 1} height={1} className={classes.base} />
              <rect x={x} y={HEIGHT - good} width={WIDTH - 1} height={good} className={classes.good} />
              <rect
                x={x}
                y={Math.max(0, HEIGHT - good - bad)}
                width={WIDTH - 1}
                height={bad}
                className={classes.bad}
              />
            </g>
          );
        })}
      </svg>
    </span>
  );
}

const sum = (values: number[]) => values.reduce((total, value) => total + value, 0);
