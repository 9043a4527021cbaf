import { Drawer, UnstyledButton } from '@mantine/core';
import { useNavigate, useSearch } from '@tanstack/react-router';
import { useMemo, useState } from 'react';
import { api, data } from '../../api/client';
import type { AuditEntry } from '../../api/types';
import { usePages } from '../../api/use-pages';
import { useViewedTenant } from '../../app/view-as';
import { Empty } from '../../components/empty';
import { FilterBar, type Filter } from '../../components/filter-bar';
import { PageHeader } from '../../components/page-header';
import { PagedList } from '../../components/paged-list';
import type { Column } from '../../components/row-list';
import { TimeAgo } from '../../components/time-ago';
import { ACTIONS, actionInWords } from '../../lib/actions';
import { resolved } from '../../lib/time-range';
import type { AuditSearch } from '../search';
import { changesOf } from './diff';
import { Entry } from './entry';
import classes from './page.module.css';
import { idOf } from '../../lib/id-of';

const FILTERS: readonly Filter<'actor' | 'action' | 'object' | 'tenant'>[] = [
  { name: 'actor', label: 'Who' },
  {
    name: 'action',
    label: 'Action',
    options: ACTIONS.map((value) => ({ value, label: actionInWords(value) })),
    width: 240,
  },
  { name: 'object', label: 'On what (id)', width: 240 },
  { name: 'tenant', label: 'Tenant' },
];

const columnsOf = (open: (entry: AuditEntry) => void): Column<AuditEntry>[] => [
  {
    header: 'What',
    width: '2fr',
    narrow: 'title',
    cell: (entry) => (
      <UnstyledButton fz="inherit" fw={500} className={classes.open} onClick={() => open(entry)}>
        {actionInWords(entry.action)}
      </UnstyledButton>
    ),
  },
  { header: 'When', width: '110px', narrow: 'side', cell: ({ at }) => <TimeAgo at={at} /> },
  { header: 'Who', width: '1.3fr', cell: ({ actor }) => actor },
  { header: 'On what', width: '3fr', cell: ({ object }) => (object === 'all' ? 'everything' : object) },
  { header: 'Change or reason', width: '3fr', cell: inShort },
];

/** The record of changes: actor, object, time and reason. */
export function Audit() {
  const search = useSearch({ from: '/signed-in/audit' });
  const navigate = useNavigate({ from: '/audit' });
  const viewed = useViewedTenant();
  const [shown, setShown] = useState<AuditEntry | null>(null);
  const query = { ...search, tenant: search.tenant ?? viewed };
  const list = usePages(['audit', 'list', query], (cursor) =>
    data(api.GET('/v1/audit', { params: { query: { ...resolved(query), cursor, limit: 100 } } })),
  );
  const columns = useMemo(() => columnsOf(setShown), []);
  const change = (changed: Partial<AuditSearch>) =>
    void navigate({ search: (now) => ({ ...now, ...changed }), replace: true });
  const isFiltered = Object.values(query).some((value) => value !== undefined);
  return (
    <>
      <PageHeader
        title="Audit"
        about="Who changed what, when and why. Entries are never changed; secrets are not in them."
      />
      <FilterBar filters={FILTERS} values={search} onChange={change} time="Changed" />
      <PagedList
        label="Changes"
        list={list}
        columns={columns}
        idOf={idOf}
        empty={
          <Empty title={isFiltered ? 'No change matches these filters' : 'Nothing was changed yet'}>
            {isFiltered
              ? 'Clear a filter to see more.'
              : 'Each change that a person or a tool makes is listed here.'}
          </Empty>
        }
      />
      <Drawer
        opened={shown !== null}
        onClose={() => setShown(null)}
        title={shown && actionInWords(shown.action)}
        position="right"
        size="lg"
        closeButtonProps={{ 'aria-label': 'Close' }}
      >
        {shown && <Entry entry={shown} />}
      </Drawer>
    </>
  );
}

/** The reason, else the first fields that changed. */
function inShort({ reason, before, after }: AuditEntry): string {
  if (reason !== null) return reason;
  if (before === null) return '';
  const changes = changesOf(before, after);
  const first = changes.slice(0, 2).map((one) => `${one.field}: ${one.before ?? '—'} → ${one.after ?? '—'}`);
  const more = changes.length - first.length;
  return first.join(', ') + (more > 0 ? ` and ${more} more` : '');
}
