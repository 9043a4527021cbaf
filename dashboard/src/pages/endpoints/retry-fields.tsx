import { Select, Stack, TagsInput, TextInput } from '@mantine/core';
import { duration } from '../../lib/format';
import type { EndpointForm } from './basics-section';
import { scheduleOf } from './form-values';

const RETRY_ON = [
  { value: 'default', label: 'Server errors, timeouts, rate limits, network errors' },
  { value: 'all', label: 'All of these, and redirects and refusals (3xx, 4xx)' },
];

export function RetryFields({ form }: { form: EndpointForm }) {
  return (
    <Stack gap="sm">
      <TextInput
        label="Timeout"
        description="The whole answer must arrive within this time: 1 s to 30 s."
        w={200}
        {...form.getInputProps('timeout_ms')}
      />
      <TextInput
        label="Waiting time before each retry"
        description={scheduleWords(form.values.retry_schedule)}
        placeholder="30 s, 5 min, 1 h, 6 h"
        {...form.getInputProps('retry_schedule')}
      />
      <Select
        label="Try again after"
        data={RETRY_ON}
        allowDeselect={false}
        {...form.getInputProps('retry_on')}
      />
      <TagsInput
        label="Never try again after"
        description="Statuses such as 503, or 3xx, 4xx, 5xx. Press Enter after each."
        data={['3xx', '4xx', '5xx']}
        splitChars={[',', ' ']}
        acceptValueOnBlur
        {...form.getInputProps('permanent_statuses')}
      />
    </Stack>
  );
}

function scheduleWords(text: string): string {
  const schedule = scheduleOf(text);
  if (schedule.length === 0)
    return 'Empty: 5 s, 15 s, 45 s and so on up to 24 h: 12 attempts within about 61 hours.';
  if (schedule.includes(null)) return 'Times with commas between them.';
  const total = schedule.reduce<number>((sum, value) => sum + value!, 0);
  return `${schedule.length + 1} attempts within about ${duration(total * 1_000)}.`;
}
