import { Code, Text } from '@mantine/core';
import { IconPlus } from '@tabler/icons-react';
import { useCan } from '../../api/api-context';
import { api, data } from '../../api/client';
import type { Endpoint } from '../../api/types';
import { usePages } from '../../api/use-pages';
import { ButtonLink } from '../../components/button-link';
import { Empty } from '../../components/empty';
import { LoadError } from '../../components/loaded';
import { PageHeader } from '../../components/page-header';
import { RowList } from '../../components/row-list';
import { endpointColumns } from '../../pages/endpoints/columns';

const idOf = ({ id }: Endpoint) => id;

/** The other columns are the operator's, or ask for more than a session may in a list of many. */
const COLUMNS = endpointColumns.filter(({ header }) =>
  ['URL', 'Event types', 'Status', 'Last 24 hours'].includes(header),
);

export function Endpoints() {
  const { changeEndpoints } = useCan();
  const pages = usePages(['endpoints', 'list'], (cursor) =>
    data(api.GET('/v1/endpoints', { params: { query: { cursor } } })),
  );
  const add = changeEndpoints && (
    <ButtonLink to="/endpoints/new" leftSection={<IconPlus size={16} />}>
      Add endpoint
    </ButtonLink>
  );
  return (
    <>
      <PageHeader title="Endpoints" about="The URLs of yours that events are sent to.">
        {pages.rows.length > 0 && add}
      </PageHeader>
      {pages.error && <LoadError error={pages.error} again={pages.refetch} />}
      {!pages.isPending && !pages.error && pages.rows.length === 0 ? (
        <Empty title="No endpoint yet">
          <Text mb="md" inherit>
            An endpoint is a URL of yours, such as <Code>https://example.com/webhooks</Code>. When something
            happens, it gets a POST request.
          </Text>
          {add}
        </Empty>
      ) : (
        <RowList
          label="Endpoints"
          columns={COLUMNS}
          rows={pages.rows}
          idOf={idOf}
          more={pages.more}
          isLoadingMore={pages.isLoadingMore || pages.isPending}
        />
      )}
    </>
  );
}
