const UNITS: [RegExp, number][] = [
  [/^(s|sec|secs|second|seconds)?$/i, 1],
  [/^(m|min|mins|minute|minutes)$/i, 60],
  [/^(h|hr|hour|hours)$/i, 3_600],
  [/^(d|day|days)$/i, 86_400],
];

/** Seconds of `30`, `2.5 s`, `5 min`, `2h`, `1 day`, to the millisecond; null: it is none of these. */
export function seconds(text: string): number | null {
  const found = /^(\d+(?:\.\d+)?)\s*([a-z]*)$/i.exec(text.trim());
  const unit = found && UNITS.find(([names]) => names.test(found[2]!));
  return found && unit ? Math.round(Number(found[1]) * unit[1] * 1_000) / 1_000 : null;
}

/** `30 s`, `5 min`, `2 h`, `1 d`: the largest unit that is exact. */
export function inSeconds(value: number): string {
  const [size, unit] =
    (
      [
        [86_400, 'd'],
        [3_600, 'h'],
        [60, 'min'],
      ] as const
    ).find(([size]) => value % size === 0 && value > 0) ?? ([1, 's'] as const);
  return `${value / size} ${unit}`;
}
