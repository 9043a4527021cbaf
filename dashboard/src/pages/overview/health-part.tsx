import { Anchor, Text } from '@mantine/core';
import type { Part } from './health-parts';
import classes from './overview.module.css';

/** `isStale`: the state is that of an earlier time, and may be another now. */
export const HealthPart = ({ of: { name, isOk, words, link }, isStale }: { of: Part; isStale: boolean }) => (
  <div className={classes.part}>
    <span className={classes.dot} data-state={isStale ? 'unknown' : isOk ? 'ok' : 'fault'} aria-hidden />
    <Text fw={600} size="sm" span>
      {name}
    </Text>
    <Text size="sm" span>
      {words}{' '}
      {link && (
        <Anchor href={link.href} target="_blank" rel="noreferrer" size="sm">
          {link.label}
        </Anchor>
      )}
    </Text>
  </div>
);
