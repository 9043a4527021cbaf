import { Text } from '@mantine/core';
import type { ControlScope } from '../api/control';
import { count } from '../lib/format';
import { useLive } from '../live/use-live';

/** How fast held deliveries go out after a resume, as docs/control.md has it. */
export function ResumeWords({ scope }: { scope: ControlScope['scope'] }) {
  const { open } = useLive();
  const held = scope === 'all' && open?.HELD ? `${count(open.HELD)} held` : 'Held';
  return (
    <>
      <Text size="sm">
        {held} deliveries go out again, the longest due first. Each process begins with 100 in the first
        second and doubles that each second, up to 2,000 a second, so that receivers are not overrun. Retries
        that are not due yet keep their time.
      </Text>
      {scope === 'all' && (
        <Text size="sm">Tenants and endpoints that are paused on their own stay held.</Text>
      )}
    </>
  );
}
