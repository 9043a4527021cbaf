import { TagsInput } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { typeNamesQuery } from './queries';

interface Props {
  value?: string[];
  onChange?: (value: string[]) => void;
  error?: React.ReactNode;
}

/** Event types and patterns; offers those of the catalogue, and the patterns that stand for several of them. */
export function EventTypesInput({ value = [], ...input }: Props) {
  const { data: types } = useQuery(typeNamesQuery);
  const names = types?.data.map(({ name }) => name) ?? [];
  return (
    <TagsInput
      label="Event types"
      description="Names such as order.created, patterns such as order.* for all that begin so, or * for all."
      placeholder={value.length === 0 ? 'Choose, or type and press Enter' : undefined}
      data={['*', ...patternsOf(names), ...names]}
      value={value}
      splitChars={[',', ' ']}
      acceptValueOnBlur
      clearable
      maxDropdownHeight={260}
      required
      {...input}
    />
  );
}

/** `order.*` where at least two names begin with `order.` */
function patternsOf(names: string[]): string[] {
  const counts = new Map<string, number>();
  for (const name of names)
    for (const { index } of name.matchAll(/[./:]/g)) {
      const pattern = `${name.slice(0, index + 1)}*`;
      counts.set(pattern, (counts.get(pattern) ?? 0) + 1);
    }
  return [...counts].filter(([, count]) => count > 1).map(([pattern]) => pattern);
}
