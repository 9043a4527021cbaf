import { Alert, Group, Text } from '@mantine/core';
import { IconPlayerPauseFilled } from '@tabler/icons-react';
import { canOperate } from '../api/session';
import { TimeAgo } from '../components/time-ago';
import { dateTime } from '../lib/format';
import { ResumeButton } from './resume-button';
import { useSession } from './session';
import { useControl } from './use-control';

/** On every page while nothing is sent of what the session sees: everything, or its tenant, is paused. */
export function PausedBanner() {
  const { data: control } = useControl();
  const session = useSession();
  if (!control) return null;
  const { pauses, file } = control;
  const own = pauses.filter(({ scope }) => scope === 'all' || session.tenant !== null);
  const mayResume = (scope: string) => canOperate(session) && (scope === 'tenant' || session.tenant === null);
  return (
    <>
      {own.map(({ scope, tenant, reason, paused_by, paused_at }) => {
        const title = tenant === null ? 'Everything is paused' : `The tenant ${tenant} is paused`;
        return (
          <Banner key={scope} title={title}>
            <Text size="sm" component="div" flex="1 1 280px">
              Nothing is sent since {dateTime(paused_at)} (<TimeAgo at={paused_at} />
              ). Events are accepted and held. Paused by {paused_by}: {reason}
            </Text>
            {mayResume(scope) && (
              <ResumeButton
                scope={tenant === null ? { scope: 'all' } : { scope: 'tenant', tenant }}
                size="xs"
                variant="white"
                c="black"
              />
            )}
          </Banner>
        );
      })}
      {file !== null && (
        <Banner title="Paused by a file">
          <Text size="sm" component="div" flex="1 1 280px">
            A file PAUSE lies in the data folder of the process that answers this page, and that process sends
            nothing{file && `: ${file}`}. Events are accepted. To go on, remove the file; other processes have
            files of their own.
          </Text>
        </Banner>
      )}
    </>
  );
}

const Banner = ({ title, children }: { title: string; children: React.ReactNode }) => (
  <Alert variant="filled" color="red" mb="md" icon={<IconPlayerPauseFilled />} title={title} role="alert">
    <Group justify="space-between" gap="xs" align="flex-end">
      {children}
    </Group>
  </Alert>
);
