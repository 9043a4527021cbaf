import type { Answer } from '../client/index.js';
import { follows, happened, reasonInWords } from '../domain/delivery-words.js';
import { duration } from '../domain/duration.js';
import type { Output } from './output.js';
import { statusText } from './status-text.js';
import { bold, dim } from './text.js';

type Delivery = Answer<'getDelivery'>;

/** Lines of an endpoint's answer that are shown. */
const MAX_ANSWER_LINES = 10;

/** Writes a delivery as the dashboard explains it: its state, then what happened at each attempt and what followed. */
export function explainDelivery(out: Output, delivery: Delivery, now = Date.now()): void {
  const { id, status, event_type, event_id, endpoint_id, tenant, status_reason } = delivery;
  out.line(bold(id), '  ', statusText(status));
  const reason = reasonInWords(status_reason);
  if (reason !== null) out.line('  ', reason);
  out.line(`  event     ${event_id}  ${event_type}  tenant ${tenant}`);
  out.line(`  endpoint  ${endpoint_id}`);
  if (delivery.source_delivery_id !== null) out.line(`  repeats   ${delivery.source_delivery_id}`);
  if (delivery.batch_id !== null) out.line(`  replay    ${delivery.batch_id}`);
  if (delivery.workflow_url !== null) out.line(`  workflow  ${delivery.workflow_url}`);
  for (const attempt of delivery.attempts) {
    const { number, started_at, latency_ms, http_status, response_body } = attempt;
    out.line();
    out.line(bold(`Attempt ${number}`), dim(`  ${started_at}  took ${duration(latency_ms)}`));
    out.line(`  ${happened(attempt)} ${follows(attempt, delivery, now)}`);
    // An answer that was taken rarely says more than its status.
    if (http_status !== null && http_status >= 300) writeAnswer(out, response_body ?? '');
  }
}

function writeAnswer(out: Output, answer: string): void {
  const lines = answer.split(/\r?\n/).filter((line) => line.trim() !== '');
  for (const line of lines.slice(0, MAX_ANSWER_LINES)) out.line(dim(`  │ ${line}`));
  if (lines.length > MAX_ANSWER_LINES) out.line(dim('  │ …'));
}
