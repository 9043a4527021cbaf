import { Text } from '@mantine/core';
import { canOperate } from '../../api/session';
import { ResumeButton } from '../../app/resume-button';
import { useSession } from '../../app/session';
import { useViewedTenant } from '../../app/view-as';
import { useControl } from '../../app/use-control';
import { Section } from '../../components/section';
import { TextLink } from '../../components/text-link';
import { SmallTable } from '../../components/small-table';
import { TimeAgo } from '../../components/time-ago';

/** The tenants that are paused, for those who see all tenants; others have a banner. */
export function TenantPauses() {
  const session = useSession();
  const viewed = useViewedTenant();
  const { data } = useControl();
  const pauses = data?.pauses.flatMap(({ tenant, ...pause }) =>
    tenant === null || (viewed !== undefined && tenant !== viewed) ? [] : { tenant, ...pause },
  );
  if (!pauses?.length || session.tenant !== null) return null;
  return (
    <Section title="Paused tenants">
      <Text size="sm" c="dimmed" mb="xs">
        Nothing is sent for them. Their events are accepted and held.
      </Text>
      <SmallTable
        label="Paused tenants"
        rows={pauses}
        idOf={({ tenant }) => tenant}
        columns={[
          {
            header: 'Tenant',
            cell: ({ tenant }) => (
              <TextLink to="/tenants/$id" params={{ id: tenant }}>
                {tenant}
              </TextLink>
            ),
          },
          { header: 'Reason', cell: ({ reason }) => reason },
          { header: 'By', cell: ({ paused_by: by }) => by },
          { header: 'Since', cell: ({ paused_at: at }) => <TimeAgo at={at} /> },
          {
            header: '',
            isRight: true,
            cell: ({ tenant }) =>
              canOperate(session) && <ResumeButton scope={{ scope: 'tenant', tenant }} size="xs" />,
          },
        ]}
      />
    </Section>
  );
}
