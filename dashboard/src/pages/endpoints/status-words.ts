import type { Endpoint } from '../../api/types';
import { relative } from '../../lib/format';

/** Why an endpoint is as it is; null: nothing to say. */
export function reasonWords({
  status,
  status_reason,
  failing_since,
}: Pick<Endpoint, 'status' | 'status_reason' | 'failing_since'>): string | null {
  if (status === 'enabled')
    return failing_since ? `for ${relative(failing_since).replace(' ago', '')}` : null;
  if (status_reason === 'gone') return 'it answered 410 Gone';
  if (status_reason === 'failing') return 'it failed for five days';
  return 'by hand';
}

/** The consequence of the status, for the endpoint's page. */
export function statusMeaning({
  status,
  status_reason,
}: Pick<Endpoint, 'status' | 'status_reason'>): string | null {
  const held = 'Nothing is sent to it. Its deliveries are held, and go out when it is';
  if (status === 'paused') return `Paused by hand. ${held} resumed.`;
  if (status === 'enabled') return null;
  if (status_reason === 'gone')
    return `Disabled, because the receiver answered 410 Gone: it no longer exists there. ${held} enabled.`;
  if (status_reason === 'failing')
    return `Disabled, because no attempt succeeded for five days. Mend the receiver and send a test. ${held} enabled.`;
  return `Disabled by hand. ${held} enabled.`;
}
