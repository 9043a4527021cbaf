import { Code, Text } from '@mantine/core';
import { IconPlus } from '@tabler/icons-react';
import { useCan } from '../../api/api-context';
import { api, data } from '../../api/client';
import { usePages } from '../../api/use-pages';
import { ButtonLink } from '../../components/button-link';
import { Empty } from '../../components/empty';
import { PageHeader } from '../../components/page-header';
import { PagedList } from '../../components/paged-list';
import { endpointColumns } from '../../pages/endpoints/columns';
import { idOf } from '../../lib/id-of';

/** The other columns are the operator's, or ask for more than a session may in a list of many. */
const COLUMNS = endpointColumns.filter(({ header }) =>
  ['URL', 'Event types', 'Status', 'Last 24 hours'].includes(header),
);

export function Endpoints() {
  const { changeEndpoints } = useCan();
  const list = usePages(['endpoints', 'list'], (cursor) =>
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
        {list.rows.length > 0 && add}
      </PageHeader>
      <PagedList
        label="Endpoints"
        list={list}
        columns={COLUMNS}
        idOf={idOf}
        empty={
          <Empty title="No endpoint yet">
            <Text mb="md" inherit>
              An endpoint is a URL of yours, such as <Code>https://example.com/webhooks</Code>. When something
              happens, it gets a POST request.
            </Text>
            {add}
          </Empty>
        }
      />
    </>
  );
}
