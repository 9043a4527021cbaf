import { List, Stack, Text } from '@mantine/core';
import type { components } from '../../api/schema';
import { TextLink } from '../../components/text-link';

type Result = components['schemas']['EventTypeImport'];

/** Names by what happens, or would happen, to them. */
export function ImportResult({ result }: { result: Result }) {
  const { dry_run, created, updated, unchanged, refused } = result;
  const groups = [
    { title: dry_run ? 'Would be created' : 'Created', names: created },
    { title: dry_run ? 'Would be changed' : 'Changed', names: updated },
    { title: 'Already the same', names: unchanged },
  ].filter(({ names }) => names.length > 0);
  return (
    <Stack gap="sm">
      {groups.map(({ title, names }) => (
        <section key={title} aria-label={title}>
          <Text size="sm" fw={600}>
            {title}: {names.length}
          </Text>
          <List size="sm" listStyleType="none">
            {names.map((name) => (
              <List.Item key={name}>
                {dry_run ? (
                  name
                ) : (
                  <TextLink to="/event-types/$name" params={{ name }}>
                    {name}
                  </TextLink>
                )}
              </List.Item>
            ))}
          </List>
        </section>
      ))}
      {refused.length > 0 && (
        <section aria-label="Not possible">
          <Text size="sm" fw={600} c="var(--mantine-color-error)">
            Not possible: {refused.length}
          </Text>
          {refused.map(({ name, errors }) => (
            <div key={name}>
              <Text size="sm">{name}</Text>
              <List size="sm" c="dimmed">
                {errors.map(({ path, message }) => (
                  <List.Item key={`${path} ${message}`}>
                    {path}: {message}
                  </List.Item>
                ))}
              </List>
            </div>
          ))}
        </section>
      )}
      {groups.length === 0 && refused.length === 0 && <Text size="sm">The document has no webhooks.</Text>}
    </Stack>
  );
}
