import { ScrollArea } from '@mantine/core';
import { SmallTable } from '../../components/small-table';
import { count, dateTime, percent } from '../../lib/format';
import type { Hour } from './hours';

export const HourTable = ({ hours }: { hours: Hour[] }) => (
  <ScrollArea.Autosize mah={320} mt="sm" viewportProps={{ tabIndex: 0 }}>
    <SmallTable
      label="The last 24 hours"
      rows={hours.toReversed()}
      idOf={({ startsAt }) => startsAt}
      columns={[
        { header: 'Hour from', cell: ({ startsAt }) => dateTime(startsAt) },
        { header: 'Events', isRight: true, cell: ({ events }) => count(events) },
        { header: 'Delivered', isRight: true, cell: ({ delivered }) => count(delivered) },
        { header: 'Failed', isRight: true, cell: ({ failed }) => count(failed) },
        {
          header: 'Success rate',
          isRight: true,
          cell: ({ delivered, failed }) => percent(delivered, delivered + failed) ?? '–',
        },
      ]}
    />
  </ScrollArea.Autosize>
);
