import { Text } from '@mantine/core';
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { api, data } from '../../api/client';
import type { components } from '../../api/schema';
import { canOperate } from '../../api/session';
import { useSession } from '../../app/session';
import { Loaded } from '../../components/loaded';
import { ReasonButton } from '../../components/reason-button';
import { Section } from '../../components/section';
import { SmallTable } from '../../components/small-table';
import { TimeAgo } from '../../components/time-ago';

type PortalSession = components['schemas']['PortalSession'];

const SCOPE_WORDS = { read: 'view', endpoints: 'manage endpoints', replay: 'retry and replay' };
const SHOWN = 50;

/** Links and sessions of a tenant that can be used. */
export function PortalSessions({ tenant }: { tenant: string }) {
  const mayRevoke = canOperate(useSession());
  const queryClient = useQueryClient();
  const query = useQuery({
    queryKey: ['portal-sessions', tenant],
    queryFn: () =>
      data(api.GET('/v1/portal-sessions', { params: { query: { tenant, active: 'true', limit: SHOWN } } })),
    refetchInterval: 15_000,
  });
  const onSuccess = () => queryClient.invalidateQueries({ queryKey: ['portal-sessions'] });
  const revoke = useMutation({
    mutationFn: ({ id, reason }: { id: string; reason: string | undefined }) =>
      api.POST('/v1/portal-sessions/{id}/revoke', { params: { path: { id } }, body: { reason } }),
    onSuccess,
  });
  const revokeAll = useMutation({
    mutationFn: (reason: string | undefined) =>
      api.POST('/v1/portal-sessions/revoke', { body: { tenant, reason } }),
    onSuccess,
  });
  const sessions = query.data?.data ?? [];
  return (
    <Section
      title="Portal sessions"
      actions={
        mayRevoke &&
        sessions.length > 1 && (
          <ReasonButton
            size="xs"
            color="red"
            label="End all"
            title="End all portal sessions"
            action={(reason) => revokeAll.mutateAsync(reason)}
          >
            All links and sessions of this tenant stop working within a second.
          </ReasonButton>
        )
      }
    >
      <Loaded query={query}>
        {({ data: rows, next_cursor }) =>
          rows.length === 0 ? (
            <Text size="sm" c="dimmed">
              Nobody has a link or a session now.
            </Text>
          ) : (
            <>
              <SmallTable
                label="Portal sessions"
                rows={rows}
                idOf={({ id }) => id}
                columns={[
                  { header: 'State', cell: stateOf },
                  {
                    header: 'May',
                    cell: ({ scopes }) => scopes.map((scope) => SCOPE_WORDS[scope]).join(', '),
                  },
                  { header: 'Made by', cell: ({ created_by }) => created_by },
                  { header: 'Made', cell: ({ created_at }) => <TimeAgo at={created_at} /> },
                  { header: 'Ends', cell: ({ expires_at }) => <TimeAgo at={expires_at} /> },
                  {
                    header: 'Action',
                    cell: ({ id }) =>
                      mayRevoke && (
                        <ReasonButton
                          size="compact-xs"
                          label="End"
                          title="End this portal session"
                          action={(reason) => revoke.mutateAsync({ id, reason })}
                        >
                          The link or session stops working within a second.
                        </ReasonButton>
                      ),
                  },
                ]}
              />
              {next_cursor && (
                <Text size="xs" c="dimmed">
                  The newest {SHOWN} are shown.
                </Text>
              )}
            </>
          )
        }
      </Loaded>
    </Section>
  );
}

const stateOf = ({ redeemed_at, link_expires_at }: PortalSession) =>
  redeemed_at ? (
    <>
      in use since <TimeAgo at={redeemed_at} />
    </>
  ) : (
    <>
      link not opened yet, until <TimeAgo at={link_expires_at} />
    </>
  );
