import { Input, SegmentedControl, Stack, Text } from '@mantine/core';
import { useState } from 'react';
import { useIsPortal } from '../../api/api-context';
import { JsonArea, prettyJson } from '../../components/json-area';
import type { EndpointForm } from './basics-section';
import { draftOf, filterFault, filterOf, rowsOf, type FilterDraft } from './filter-draft';
import { FilterRows } from './filter-rows';
import { FilterTrial } from './filter-trial';

const MODES = [
  { value: 'rows', label: 'Conditions' },
  { value: 'json', label: 'JSON' },
];

/** The condition on payloads, as rows or as JSON, and a trial with events that came lately. */
export function FilterSection({ form }: { form: EndpointForm }) {
  const { filter: draft, event_types, tenant } = form.values;
  const [refusal, setRefusal] = useState<string | null>(null);
  const isPortal = useIsPortal();
  const error = form.errors.filter;
  const set = (filter: FilterDraft) => {
    setRefusal(null);
    form.setFieldValue('filter', filter);
  };
  const change = (mode: string) => {
    if (mode === 'json') return set({ ...draft, mode: 'json', text: prettyJson(filterOf(draft)) });
    if (filterFault(draft) !== null || rowsOf(filterOf(draft)) === null)
      return setRefusal(
        'These conditions need JSON: rows have no “or”, no “not” and no lists of conditions.',
      );
    set({ ...draftOf(filterOf(draft)), mode: 'rows' });
  };
  return (
    <Stack gap="sm">
      <Text size="sm" c="dimmed">
        Receive only events whose payload meets all conditions. Without one, all events of the types above are
        sent.
      </Text>
      <SegmentedControl
        data={MODES}
        value={draft.mode}
        onChange={change}
        aria-label="Write the filter as"
        w="fit-content"
        size="xs"
      />
      {refusal && (
        <Text size="sm" role="alert">
          {refusal}
        </Text>
      )}
      {draft.mode === 'rows' ? (
        <FilterRows rows={draft.rows} onChange={(rows) => set({ ...draft, rows })} />
      ) : (
        <JsonArea
          label="Filter as JSON"
          placeholder='{"amount": {"$gt": 10}, "customer.plan": {"$in": ["pro", "team"]}}'
          value={draft.text}
          onChange={({ currentTarget }) => set({ ...draft, text: currentTarget.value })}
          error={!!error}
        />
      )}
      {error && (
        <Input.Error data-error role="alert" style={{ whiteSpace: 'pre-line' }}>
          {error}
        </Input.Error>
      )}
      <FilterTrial
        draft={draft}
        eventTypes={event_types}
        tenant={tenant.trim() || (isPortal ? undefined : 'default')}
      />
    </Stack>
  );
}
