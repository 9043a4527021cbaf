import { Group, Paper, Stack, Text, Title } from '@mantine/core';
import { canOperate } from '../../api/session';
import type { Issue } from '../../api/types';
import { useSession } from '../../app/session';
import { ClassificationBadge, EndpointBadge } from '../../components/badges';
import { ButtonLink } from '../../components/button-link';
import { Facts } from '../../components/facts';
import { TextLink } from '../../components/text-link';
import { TimeAgo } from '../../components/time-ago';
import { count } from '../../lib/format';
import { RetryWaiting } from './retry-waiting';
import { IssueActions } from './issue-actions';

/** One issue: what fails where, since when and how often, what it means, and what to do. */
export function IssueCard({ issue }: { issue: Issue }) {
  const session = useSession();
  const { endpoint_id, classification, failed_count: failed } = issue;
  return (
    <Paper component="li" withBorder p="md" aria-label={`${issue.title}: ${issue.endpoint_url}`}>
      <Stack gap="sm">
        <Group justify="space-between" align="flex-start" gap="xs">
          <Stack gap={2} miw={0} flex="1 1 320px">
            <Group gap="xs">
              <Title order={2}>{issue.title}</Title>
              <ClassificationBadge value={classification} />
              {issue.endpoint_status !== 'enabled' && <EndpointBadge status={issue.endpoint_status} />}
            </Group>
            <Text size="sm">
              <TextLink to="/endpoints/$id" params={{ id: endpoint_id }}>
                {issue.endpoint_url}
              </TextLink>{' '}
              <Text span inherit c="dimmed">
                of {issue.tenant}
              </Text>
            </Text>
          </Stack>
          {canOperate(session) && <IssueActions issue={issue} />}
        </Group>
        <Text size="sm" maw={820}>
          {issue.explanation}
        </Text>
        <Text size="sm" maw={820}>
          <strong>What to do:</strong> {issue.advice}
        </Text>
        <Facts
          of={{
            'Deliveries that failed': count(failed),
            'Being retried': count(issue.retrying_count),
            'Failed attempts': count(issue.attempt_count),
            Seen: (
              <>
                first <TimeAgo at={issue.first_seen_at} />, last <TimeAgo at={issue.last_seen_at} />
              </>
            ),
            Acknowledged: issue.acknowledged_at && (
              <>
                <TimeAgo at={issue.acknowledged_at} /> by {issue.acknowledged_by}
                {issue.status === 'open' && '; it failed again since'}
                {issue.note && `: ${issue.note}`}
              </>
            ),
          }}
        />
        <Group gap="xs">
          <ButtonLink
            size="xs"
            variant="default"
            to="/deliveries/$id"
            params={{ id: issue.sample_delivery_id }}
          >
            See the newest
          </ButtonLink>
          <ButtonLink size="xs" variant="default" to="/deliveries" search={{ endpoint_id, classification }}>
            See all
          </ButtonLink>
          {issue.retrying_count > 0 && issue.endpoint_status === 'enabled' && canOperate(session) && (
            <RetryWaiting issue={issue} />
          )}
          {failed > 0 && canOperate(session) && (
            <ButtonLink
              size="xs"
              variant="default"
              to="/replay/new"
              search={{ endpoint_id, classification, status: 'FAILED' }}
            >
              Replay the failed
            </ButtonLink>
          )}
        </Group>
      </Stack>
    </Paper>
  );
}
