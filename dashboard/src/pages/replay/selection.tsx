import { Text } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import type { ReactNode } from 'react';
import { batchQuery } from '../../api/batches';
import type { Batch } from '../../api/types';
import { EndpointLink } from '../../components/endpoint-link';
import { EndpointName } from '../../components/endpoint-name';
import { TextLink } from '../../components/text-link';
import { count, dateTime } from '../../lib/format';
import { CLASSIFICATION_WORDS, STATUS_WORDS } from '../../lib/words';

interface Chosen {
  tenant?: string | null;
  endpoint_id?: string;
  event_type?: string;
  classification?: keyof typeof CLASSIFICATION_WORDS;
  batch_id?: string;
  from?: string;
  to?: string;
}

/** The selection of a batch in one sentence; a batch of a dry run's plan has that of the dry run. */
export function Selection({ of: selection, isPlain = false }: { of: Batch['selection']; isPlain?: boolean }) {
  const sourceId = 'batch_id' in selection ? selection.batch_id : null;
  const { data: source } = useQuery({ ...batchQuery(sourceId ?? ''), enabled: sourceId !== null });
  return <Sentence of={source?.dry_run ? source.selection : selection} isPlain={isPlain} />;
}

function Sentence({ of: selection, isPlain }: { of: Batch['selection']; isPlain: boolean }) {
  const { what, where } = read(selection);
  const endpoint = (id: string) => (isPlain ? <EndpointName id={id} /> : <EndpointLink id={id} />);
  const batch = (id: string) =>
    isPlain ? (
      id
    ) : (
      <TextLink to="/replay/$id" params={{ id }}>
        {id}
      </TextLink>
    );
  const parts: [string, ReactNode][] = [
    ['of tenant', where.tenant],
    ['to', where.endpoint_id && endpoint(where.endpoint_id)],
    ['of type', where.event_type],
    ['that ended with', where.classification && CLASSIFICATION_WORDS[where.classification].label],
    ['of replay', where.batch_id && batch(where.batch_id)],
    ['since', where.from && dateTime(where.from)],
    ['until', where.to && dateTime(where.to)],
  ];
  return (
    <Text span inherit>
      {what}
      {parts.map(
        ([word, value]) =>
          value && (
            <span key={word}>
              {' '}
              {word} {value}
            </span>
          ),
      )}
    </Text>
  );
}

function read(selection: Batch['selection']): { what: string; where: Chosen } {
  if ('delivery_id_count' in selection) {
    const { delivery_id_count: ids, tenant } = selection;
    return { what: `${count(ids)} chosen ${ids === 1 ? 'delivery' : 'deliveries'}`, where: { tenant } };
  }
  if ('missing' in selection) return { what: 'Events that never had a delivery', where: selection.missing };
  if ('batch_id' in selection) return { what: 'The rest', where: { batch_id: selection.batch_id } };
  const { status, ...where } = selection.filter;
  return { what: `${status.map((one) => STATUS_WORDS[one].label).join(' or ')} deliveries`, where };
}
