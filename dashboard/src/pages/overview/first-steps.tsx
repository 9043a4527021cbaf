import { Button, Group, Loader, Text, ThemeIcon, Title } from '@mantine/core';
import { IconCheck } from '@tabler/icons-react';
import { Link } from '@tanstack/react-router';
import type { ReactNode } from 'react';
import { useCan } from '../../api/api-context';
import type { Endpoint } from '../../api/types';
import { useSession } from '../../app/session';
import { PublishCommand } from '../../components/publish-command';
import { Section } from '../../components/section';
import { TextLink } from '../../components/text-link';
import classes from './overview.module.css';

/** In place of empty charts: the way to the first webhook. */
export function FirstSteps({ endpoint }: { endpoint: Endpoint | null }) {
  const session = useSession();
  const { changeEndpoints } = useCan();
  return (
    <Section title="Your first webhook in three steps">
      <ol className={classes.steps}>
        <Step number={1} title="Add an endpoint" isDone={endpoint !== null}>
          <Text size="sm">The URL that receives your events, and the types of events that it wants.</Text>
          {endpoint ? (
            <Text size="sm" mt={4}>
              Done.{' '}
              <TextLink to="/endpoints" underline="always">
                See your endpoints
              </TextLink>
            </Text>
          ) : changeEndpoints ? (
            <Button component={Link} to="/endpoints/new" mt="xs">
              Add an endpoint
            </Button>
          ) : (
            <Text size="sm" mt={4}>
              Your role is {session.role}: ask someone with the role admin.
            </Text>
          )}
        </Step>
        <Step number={2} title="Publish an event">
          <PublishCommand endpoint={endpoint} />
        </Step>
        <Step number={3} title="Watch it arrive">
          <Group gap="xs" wrap="nowrap">
            <Loader size="xs" aria-hidden />
            <Text size="sm">Waiting for the first event. This page shows it by itself.</Text>
          </Group>
        </Step>
      </ol>
    </Section>
  );
}

const Step = ({
  number,
  title,
  isDone,
  children,
}: {
  number: number;
  title: string;
  isDone?: boolean;
  children: ReactNode;
}) => (
  <li>
    <ThemeIcon radius="xl" size={30} variant={isDone ? 'filled' : 'light'} aria-hidden>
      {isDone ? <IconCheck size={18} /> : number}
    </ThemeIcon>
    <div>
      <Title order={3} mb={4}>
        {title}
      </Title>
      {children}
    </div>
  </li>
);
