import { SimpleGrid, Stack } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { firstStepsQuery, readinessQuery } from '../../api/overview';
import { PauseButton } from '../../app/pause-button';
import { useKillSwitch } from '../../app/use-control';
import { useViewedTenant } from '../../app/view-as';
import { Loaded } from '../../components/loaded';
import { PageHeader } from '../../components/page-header';
import { Causes } from './causes';
import { DayVolume } from './day-volume';
import { FirstSteps } from './first-steps';
import { Health } from './health';
import { LiveFigures } from './live-figures';
import { LiveStatus } from './live-status';
import { Now } from './now';
import { RecentFeed } from './recent-feed';
import { TenantPauses } from './tenant-pauses';
import { WorstEndpoints } from './worst-endpoints';

export function Overview() {
  const viewed = useViewedTenant();
  const steps = useQuery(firstStepsQuery);
  const isDegraded = useQuery(readinessQuery).data?.status === 'degraded';
  return (
    <>
      <PageHeader title="Overview" about={<LiveStatus />}>
        {useKillSwitch() === 'pause' && <PauseButton scope={{ scope: 'all' }} />}
      </PageHeader>
      <Loaded query={steps}>
        {({ hasEvents, endpoint }) =>
          hasEvents ? (
            <Stack gap="md">
              {isDegraded && <Health />}
              <TenantPauses />
              <LiveFigures />
              <Now />
              <SimpleGrid cols={{ base: 1, lg: 2 }} spacing="md">
                <Stack gap="md">
                  <DayVolume />
                  <WorstEndpoints />
                </Stack>
                <Stack gap="md">
                  <Causes />
                  {/* Another tenant's begins anew, also while this one stands still. */}
                  <RecentFeed key={viewed} />
                </Stack>
              </SimpleGrid>
              {!isDegraded && <Health />}
            </Stack>
          ) : (
            <Stack gap="md">
              <FirstSteps endpoint={endpoint} />
              <Health />
            </Stack>
          )
        }
      </Loaded>
    </>
  );
}
