import { Button, Group, SegmentedControl, Stack, Text } from '@mantine/core';
import { useMemo, useState } from 'react';
import { indented } from '../../../src/domain/indented';
import { count } from '../lib/format';
import { CopyIcon } from './copied';
import classes from './code-text.module.css';

/** Laying out more than this at once can be felt. */
const MAX_SHOWN = 20_000;

/**
 * A text as it is, such as a payload: no digit of a number is lost. JSON can be shown with indents, which changes only
 * blanks between its parts. Copies the text as it is.
 */
export function CodeText({ text, label, note }: { text: string; label: string; note?: string }) {
  const pretty = useMemo(() => indented(text), [text]);
  const [view, setView] = useState('pretty');
  const [isWhole, setWhole] = useState(false);
  const shown = view === 'pretty' && pretty !== null ? pretty : text;
  const isCut = !isWhole && shown.length > MAX_SHOWN;
  return (
    <Stack gap={6}>
      <Group gap="xs" justify="space-between">
        <Text size="xs" c="dimmed">
          {count(new Blob([text]).size)} bytes{note && ` · ${note}`}
        </Text>
        <Group gap="xs">
          {pretty !== null && (
            <SegmentedControl
              size="xs"
              aria-label={`Form of ${label}`}
              value={view}
              onChange={setView}
              data={[
                { value: 'pretty', label: 'Indented' },
                { value: 'raw', label: 'As sent' },
              ]}
            />
          )}
          <CopyIcon text={text} what={`Copy ${label}`} />
        </Group>
      </Group>
      <pre className={classes.text} tabIndex={0} role="region" aria-label={label}>
        {isCut ? shown.slice(0, MAX_SHOWN) : shown}
      </pre>
      {isCut && (
        <Button variant="default" size="xs" onClick={() => setWhole(true)}>
          Show all {count(shown.length)} characters
        </Button>
      )}
    </Stack>
  );
}
