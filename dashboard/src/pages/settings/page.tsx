import { Stack } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { api, data } from '../../api/client';
import { canOperate } from '../../api/session';
import { useSession } from '../../app/session';
import { Empty } from '../../components/empty';
import { Loaded } from '../../components/loaded';
import { PageHeader } from '../../components/page-header';
import { Processes } from './processes';
import { Summary } from './summary';
import { Variables } from './variables';

/** The configuration; the environment of the processes changes it, not this page. */
export function Settings() {
  const session = useSession();
  return (
    <>
      <PageHeader
        title="Settings"
        about="What is configured. Settings are variables of the environment: a change needs a restart."
      />
      {canOperate(session) && session.tenant === null ? (
        <Parts />
      ) : (
        <Empty title="Settings are for operators">
          An operator’s or admin’s key that sees all tenants shows what is configured.
        </Empty>
      )}
    </>
  );
}

function Parts() {
  const query = useQuery({ queryKey: ['settings'], queryFn: () => data(api.GET('/v1/settings')) });
  return (
    <Loaded query={query}>
      {(settings) => (
        <Stack>
          <Summary settings={settings} />
          <Processes />
          <Variables of={settings.settings} />
        </Stack>
      )}
    </Loaded>
  );
}
