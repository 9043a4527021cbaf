import { Text } from '@mantine/core';
import type { Classification } from '../../api/types';
import { ClassificationBadge } from '../../components/badges';
import { TextLink } from '../../components/text-link';
import { Loaded } from '../../components/loaded';
import { Section } from '../../components/section';
import { SmallTable } from '../../components/small-table';
import { count, percent } from '../../lib/format';
import { CLASSIFICATIONS } from '../../lib/words';
import { useLive } from '../../live/use-live';
import { useDayStats } from './use-day-stats';

/** The results of attempts: which kinds, how many, now and in a day. */
export function Causes() {
  const stats = useDayStats();
  return (
    <Section title="Results of attempts">
      <Loaded query={stats}>{({ totals }) => <Table day={totals.attempts} />}</Loaded>
    </Section>
  );
}

function Table({ day }: { day: Record<string, number> }) {
  const { points } = useLive();
  const now = (kind: Classification) =>
    points.reduce((sum, { byClassification }) => sum + (byClassification[kind] ?? 0), 0);
  const all = Object.values(day).reduce((sum, n) => sum + n, 0);
  const rows = CLASSIFICATIONS.map((kind) => ({ kind, now: now(kind), day: day[kind] ?? 0 }))
    .filter((row) => row.now + row.day > 0)
    .sort((a, b) => b.day - a.day || b.now - a.now);
  if (rows.length === 0) return <Text size="sm">No attempt was made in the last 24 hours.</Text>;
  return (
    <SmallTable
      label="Results of attempts"
      rows={rows}
      idOf={({ kind }) => kind}
      columns={[
        { header: 'Result', cell: ({ kind }) => <ClassificationBadge value={kind} /> },
        { header: 'Live', isRight: true, cell: (row) => count(row.now) },
        { header: 'Last 24 hours', isRight: true, cell: (row) => count(row.day) },
        { header: 'Share', isRight: true, cell: (row) => percent(row.day, all) ?? '–' },
        {
          header: 'Deliveries',
          isRight: true,
          cell: ({ kind }) => (
            <TextLink to="/deliveries" search={{ classification: kind }}>
              Show
            </TextLink>
          ),
        },
      ]}
    />
  );
}
