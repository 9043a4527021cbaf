import { Text } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { processesQuery, readinessQuery } from '../../api/overview';
import { canOperate } from '../../api/session';
import { useSession } from '../../app/session';
import { useViewedTenant } from '../../app/view-as';
import { AsOf } from '../../components/as-of';
import { Loaded } from '../../components/loaded';
import { Section } from '../../components/section';
import { HealthPart } from './health-part';
import { partsOf, processPart } from './health-parts';

/** The parts that Surehook needs, and what to do where one is away. */
export function Health() {
  const session = useSession();
  const viewed = useViewedTenant();
  const readiness = useQuery(readinessQuery);
  const maySeeProcesses = canOperate(session) && session.tenant === null;
  const processes = useQuery({ ...processesQuery, enabled: maySeeProcesses });
  return (
    <Section title="State of the system">
      <Loaded query={readiness}>
        {(state) =>
          partsOf(state).map((part) => <HealthPart key={part.name} of={part} isStale={readiness.isError} />)
        }
      </Loaded>
      {processes.data && (
        <>
          {/* One line is enough where neither is answered. */}
          {processes.isError && !readiness.isError && (
            <AsOf at={processes.dataUpdatedAt} error={processes.error} />
          )}
          <HealthPart of={processPart(processes.data.data)} isStale={processes.isError} />
        </>
      )}
      <Text size="xs" c="dimmed" mt="xs">
        {viewed !== undefined && 'Of the whole installation, whichever tenant is viewed. '}
        As the process sees it that answers this page. To stop sending where the API does not answer, put a
        file named PAUSE, with the reason in its first line, into the data folder of every process (
        <code>.surehook</code>); remove it to go on.
      </Text>
    </Section>
  );
}
