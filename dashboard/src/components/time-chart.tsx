import 'uplot/dist/uPlot.min.css';
import { useEffect, useRef } from 'react';
import { clock } from '../lib/format';
import { useIsDark } from '../lib/use-is-dark';
import uPlot, { type AlignedData, type Options } from 'uplot';
import classes from './time-chart.module.css';

export interface ChartLine {
  label: string;
  /** For light and dark. */
  color: readonly [string, string];
  /** Bars from zero instead of a line. Bars are drawn over those of the lines before. */
  isBars?: boolean;
  /** In the legend; default: the value of the line. */
  value?: (index: number) => string;
}

interface Props {
  /** For those who do not see it. */
  label: string;
  /** Seconds since 1970, then the values of each line; null: a gap. */
  values: AlignedData;
  lines: readonly ChartLine[];
  height: number;
  format: (value: number) => string;
  /** Top of the y axis; default: the highest value. */
  max?: number;
  /** Show the legend only while a pointer is on the chart: the lines are named elsewhere. */
  isNamedElsewhere?: boolean;
}

/** Local time, as exact as the step between two labels. */
const time = (seconds: number, step: number) => clock(new Date(seconds * 1_000)).slice(0, step < 60 ? 8 : 5);

/** Seconds between two labels of time: whole ones. */
const STEPS = [1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 1_800, 3_600, 10_800, 21_600, 86_400];

const stepOf = (times: ArrayLike<number>) => (times.length > 1 ? times[1]! - times[0]! : 0);

/** The values between two gaps: a line needs two values, so they are points. */
function isolated({ data }: uPlot, series: number): number[] {
  const values = data[series]!;
  return Array.from(values, (value, at) =>
    value != null && values[at - 1] == null && values[at + 1] == null ? at : -1,
  ).filter((at) => at >= 0);
}

const FONT = '11px ui-sans-serif, system-ui, sans-serif';

const HOUR = 3_600;

/** Lines show at least this many seconds. */
const LEAST_SPAN = 120;

/** Lines or bars over time, with a legend that shows the values under the pointer. Large: load it lazily. */
export function TimeChart({ label, values, lines, height, format, max, isNamedElsewhere }: Props) {
  const place = useRef<HTMLDivElement>(null);
  const plot = useRef<uPlot | null>(null);
  const isDark = useIsDark();
  const latest = useRef({ values, lines, format });
  const names = lines.map((line) => line.label).join();

  useEffect(() => {
    const element = place.current!;
    const current = () => latest.current;
    const isOfBars = current().lines.some((line) => line.isBars);
    const axis = {
      stroke: isDark ? '#9aa5a2' : '#68716f',
      font: FONT,
      grid: { stroke: isDark ? '#2b3331' : '#e8ecec', width: 1 },
      ticks: { show: false },
    };
    const options: Options = {
      width: element.clientWidth,
      height,
      series: [
        { value: (_, at) => (at == null ? '–' : time(at, 1)), label: 'Time' },
        ...current().lines.map((line, number) => ({
          label: line.label,
          stroke: line.color[isDark ? 1 : 0],
          width: line.isBars ? 0 : 2,
          fill: line.isBars ? line.color[isDark ? 1 : 0] : undefined,
          paths: line.isBars ? uPlot.paths.bars!({ size: [0.7, 40], align: 1 }) : undefined,
          points: {
            show: false,
            filter: line.isBars ? undefined : isolated,
            size: 6,
            fill: line.color[isDark ? 1 : 0],
          },
          value: (_: uPlot, value: number | null, _series: number, index: number | null) => {
            if (value == null || index == null) return '–';
            return current().lines[number]?.value?.(index) ?? current().format(value);
          },
        })),
      ],
      axes: [
        {
          ...axis,
          size: 26,
          space: 70,
          incrs: STEPS,
          values: (_, times, _axis, _space, step) => times.map((at) => time(at, step)),
        },
        { ...axis, size: 52, values: (_, splits) => splits.map((value) => current().format(value)) },
      ],
      scales: {
        // A bar begins at its time and is as wide as the time between two; lines of hours are shown below bars.
        x: {
          range: (own, min, max) => {
            if (!Number.isFinite(min)) return [null, null];
            return isOfBars || stepOf(own.data[0]) >= HOUR
              ? [min, max + stepOf(own.data[0])]
              : [Math.min(min, max - LEAST_SPAN), max];
          },
        },
        y: { range: (_, _min, top) => [0, max ?? Math.max(top * 1.1, 1)] },
      },
      cursor: { drag: { x: false, y: false }, y: false },
    };
    const own = (plot.current = new uPlot(options, current().values, element));
    const watcher = new ResizeObserver(() => own.setSize({ width: element.clientWidth, height }));
    watcher.observe(element);
    return () => {
      watcher.disconnect();
      own.destroy();
      plot.current = null;
    };
  }, [isDark, height, max, names]);

  useEffect(() => {
    latest.current = { values, lines, format };
    plot.current?.setData(values);
  }, [values, lines, format]);

  return (
    <div
      ref={place}
      className={classes.chart}
      data-named-elsewhere={isNamedElsewhere}
      role="img"
      aria-label={label}
    />
  );
}
