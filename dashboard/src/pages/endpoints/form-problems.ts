import { MASK, TIMEOUT_MS } from '../../../../src/domain/endpoint';
import { EVENT_TYPE_PATTERN } from '../../../../src/domain/event';
import { readFilter } from '../../../../src/domain/filter';
import { MAX_RETRIES, MAX_RETRY_SECONDS } from '../../../../src/domain/retry-schedule';
import { urlProblem } from '../../../../src/domain/url-problem';
import { seconds } from '../../lib/seconds';
import { bodyOf, changesOf, scheduleOf, type EndpointValues } from './form-values';
import { filterFault, filterOf } from './filter-draft';

type Problems = Partial<Record<keyof EndpointValues, string>>;
const AGAIN = 'Stored values are not shown. Enter them again, or take back your change here.';

/** The problems of a form that the page finds before the server sees it. `before`: the endpoint that is changed. */
export function problemsOf(values: EndpointValues, before: EndpointValues | null): Problems {
  const found: Problems = {
    url: urlFault(values.url.trim()),
    event_types: typesProblem(values.event_types),
    filter: filterProblem(values),
    timeout_ms: timeoutProblem(values.timeout_ms),
    retry_schedule: scheduleProblem(values.retry_schedule),
  };
  if (before && !Object.values(found).some(Boolean)) {
    const changed = changesOf(before, values);
    const headers = Object.values(bodyOf(values).headers);
    if ('headers' in changed && headers.includes(MASK)) found.headers = AGAIN;
    if (changed.basic_auth && changed.basic_auth.password === MASK) found.basic_auth = AGAIN;
    if (changed.client_certificate?.private_key === MASK) found.client_certificate = AGAIN;
  }
  return Object.fromEntries(Object.entries(found).filter(([, problem]) => problem));
}

function urlFault(url: string) {
  if (url === '') return 'Enter the URL that receives the webhooks.';
  return urlProblem(url) ?? undefined;
}

function typesProblem(types: string[]) {
  if (types.length === 0) return 'Choose at least one event type; * stands for all.';
  const wrong = types.find((type) => !EVENT_TYPE_PATTERN.test(type));
  return wrong && `“${wrong}” is neither a name such as order.created nor a pattern such as order.* or *.`;
}

export function filterProblem({ filter }: Pick<EndpointValues, 'filter'>) {
  const fault = filterFault(filter);
  if (fault) return fault;
  const value = filterOf(filter);
  if (value === null) return undefined;
  return readFilter(value)
    .faults.map(({ path, message }) => (path.length ? `${path.join(' › ')}: ${message}` : message))
    .join('\n');
}

function timeoutProblem(text: string) {
  const value = (seconds(text) ?? 0) * 1_000;
  return value >= TIMEOUT_MS.min && value <= TIMEOUT_MS.max ? undefined : 'From 1 s to 30 s, such as 15 s.';
}

function scheduleProblem(text: string) {
  const schedule = scheduleOf(text);
  if (schedule.includes(null)) return 'Times with commas between them, such as 30 s, 5 min, 2 h.';
  if (schedule.length > MAX_RETRIES) return `At most ${MAX_RETRIES} retries.`;
  if (schedule.some((value) => !Number.isInteger(value))) return 'Each in whole seconds.';
  return schedule.every((value) => value! >= 1 && value! <= MAX_RETRY_SECONDS)
    ? undefined
    : 'Each from 1 s to 24 h.';
}
