import { Alert, Button, Stack } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { Link, useParams } from '@tanstack/react-router';
import { useCan } from '../../api/api-context';
import { endpointQuery } from '../../api/endpoint';
import { Copied } from '../../components/copied';
import { Loaded } from '../../components/loaded';
import { PageHeader } from '../../components/page-header';
import { EndpointActions } from './endpoint-actions';
import { EndpointFacts } from './endpoint-facts';
import { HealthSection } from './health-section';
import { MatchSection } from './match-section';
import { RecentDeliveries } from './recent-deliveries';
import { SecretSection } from './secret-section';
import { statusMeaning } from './status-words';
import { TestSection } from './test-section';

export function EndpointPage() {
  const { id } = useParams({ from: '/signed-in/endpoints/$id' });
  const can = useCan();
  const query = useQuery({ ...endpointQuery(id), staleTime: 0, refetchInterval: 10_000 });
  const url = query.data?.url;
  return (
    <>
      <PageHeader title={url ?? 'Endpoint'} about={<Copied text={id} />}>
        {query.data && can.changeEndpoints && (
          <Button
            variant="default"
            renderRoot={(props) => <Link to="/endpoints/$id/edit" params={{ id }} {...props} />}
          >
            Edit
          </Button>
        )}
        {query.data && <EndpointActions endpoint={query.data} />}
      </PageHeader>
      <Loaded query={query}>
        {(endpoint) => {
          const meaning = statusMeaning(endpoint);
          return (
            <Stack>
              {meaning && (
                <Alert color={endpoint.status === 'paused' ? 'grape' : 'red'} variant="light">
                  {meaning}
                </Alert>
              )}
              <EndpointFacts endpoint={endpoint} />
              <HealthSection id={id} />
              {can.operateEndpoints && <TestSection endpoint={endpoint} />}
              <RecentDeliveries id={id} />
              <MatchSection endpoint={endpoint} />
              {can.changeEndpoints && <SecretSection id={id} />}
            </Stack>
          );
        }}
      </Loaded>
    </>
  );
}
