import { Stack } from '@mantine/core';
import type { Batch } from '../../api/types';
import { Facts } from '../../components/facts';
import { History } from '../../components/history';
import { OutLink } from '../../components/out-link';
import { Section } from '../../components/section';
import { TextLink } from '../../components/text-link';
import { dateTime } from '../../lib/format';
import { rateInWords } from './words';

/** The record of a replay: who, when and why, and each change since. */
export const BatchRecord = ({ batch }: { batch: Batch }) => (
  <Section title="Record">
    <Stack>
      <Facts
        of={{
          'Made by': batch.created_by,
          Note: batch.note,
          Made: dateTime(batch.created_at),
          Started: batch.started_at && dateTime(batch.started_at),
          Ended: batch.completed_at && dateTime(batch.completed_at),
          Tenant: batch.tenant ?? 'any',
          Rate: batch.dry_run ? null : rateInWords(batch.rate_per_second),
          'Delivered ones': batch.selection.include_delivered ? 'included' : null,
          'Plan of': batch.source_batch_id && (
            <TextLink to="/replay/$id" params={{ id: batch.source_batch_id }}>
              {batch.source_batch_id}
            </TextLink>
          ),
          Workflow: batch.workflow_url && (
            <OutLink to={batch.workflow_url}>{`${batch.workflow_id} in Temporal`}</OutLink>
          ),
        }}
      />
      <History of={batch.id} />
    </Stack>
  </Section>
);
