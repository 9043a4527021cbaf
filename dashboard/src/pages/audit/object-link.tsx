import { Anchor } from '@mantine/core';
import type { AuditEntry } from '../../api/types';
import { pageOfId } from '../../app/page-of-id';
import { PlainLink } from '../../components/row-link';

/** The object of an action; a link where it has a page. */
export function ObjectLink({ entry }: { entry: Pick<AuditEntry, 'action' | 'object'> }) {
  const page = pageOf(entry);
  if (page === null) return <>{entry.object === 'all' ? 'everything' : entry.object}</>;
  return (
    <Anchor component={PlainLink} to={page} inherit>
      {entry.object}
    </Anchor>
  );
}

function pageOf({ action, object }: Pick<AuditEntry, 'action' | 'object'>): string | null {
  const name = encodeURIComponent(object.replace(/^tenant:/, ''));
  if (action.startsWith('tenant.') || object.startsWith('tenant:')) return `/tenants/${name}`;
  if (action.startsWith('event_type.')) return `/event-types/${name}`;
  return pageOfId(object);
}
