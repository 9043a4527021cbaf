import { Group, Slider, Stack, Text } from '@mantine/core';
import { useBatchChange } from '../../api/batches';
import { rateInWords } from './words';

/** The last one is no limit. */
const RATES = [0.1, 0.5, 1, 2, 5, 10, 20, 50, 100, 200, 500, 1_000, 2_000, 0];

/** Changes the rate of a batch that makes deliveries; it applies from the next ones on. */
export function RateSlider({ id, rate }: { id: string; rate: number }) {
  const change = useBatchChange(id);
  return (
    <Stack gap={4} maw={520}>
      <Group justify="space-between">
        <Text size="sm" fw={600}>
          Rate
        </Text>
        <Text size="sm">{rateInWords(rate)}</Text>
      </Group>
      <Slider
        // Another value of the server is shown, too.
        key={rate}
        thumbLabel="Rate: new deliveries per second"
        defaultValue={nearest(rate)}
        min={0}
        max={RATES.length - 1}
        marks={RATES.map((_, value) => ({ value }))}
        label={(index) => rateInWords(RATES[index]!)}
        thumbValueText={(index) => rateInWords(RATES[index]!)}
        disabled={change.isPending}
        onChangeEnd={(index) => change.mutate({ kind: 'rate', rate_per_second: RATES[index]! })}
      />
    </Stack>
  );
}

function nearest(rate: number): number {
  if (rate === 0) return RATES.length - 1;
  const above = RATES.findIndex((one) => one >= rate);
  return above === -1 ? RATES.length - 2 : above;
}
