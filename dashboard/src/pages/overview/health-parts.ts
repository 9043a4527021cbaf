import type { components } from '../../api/schema';
import type { Readiness } from '../../api/types';

export interface Part {
  name: string;
  isOk: boolean;
  /** The state, and what to do where it is not good. */
  words: string;
  link?: { href: string; label: string } | null;
}

export function partsOf({ postgres, temporal, workers, encryption }: Readiness): Part[] {
  return [
    {
      name: 'Postgres',
      isOk: postgres.ok,
      words: postgres.ok
        ? 'Working: events are accepted and stored.'
        : 'No event can be accepted now: Postgres is away, full, read-only or locked. Senders get a 503 and try again. Look at Postgres and its disk; the log of this process has the reason.',
    },
    {
      name: 'Temporal',
      isOk: temporal.ok,
      words: temporalWords(temporal),
      link: uiOf(temporal.ui_url),
    },
    {
      name: 'Workers',
      isOk: workers.ok,
      words: workers.ok
        ? 'Running: workflows make their progress.'
        : 'No worker polls Temporal. First attempts are made all the same; retries are up to 30 s late. Start a worker, or look at its log.',
    },
    {
      name: 'Encryption keys',
      isOk: encryption.ok,
      words: encryption.ok
        ? 'The keys of this process open what is stored.'
        : `${sentence(encryption.reason)} Start this process with the keys that the database was written with.`,
    },
  ];
}

type Processes = components['schemas']['ProcessList']['data'];

export function processPart(processes: Processes): Part {
  const alive = processes.filter((one) => one.alive);
  const making = alive.filter((one) => one.makes_attempts);
  const silent = processes.length - alive.length;
  const held = alive.filter((one) => one.paused !== null);
  const words = [`${some(alive.length)} running, ${making.length} of them can send.`];
  if (making.length === 0) words.push('Nothing is sent: start one that makes attempts.');
  if (silent > 0)
    words.push(
      `${some(silent)} silent for over 10 seconds; others have taken over its deliveries. Start it again if you miss it.`,
    );
  if (held.length > 0)
    words.push(`${some(held.length)} held by a file PAUSE (${held[0]!.paused}). Remove the file to go on.`);
  return { name: 'Processes', isOk: making.length > 0 && silent + held.length === 0, words: words.join(' ') };
}

const some = (n: number) => (n === 1 ? '1 process is' : `${n} processes are`);

function temporalWords({ ok, reason, address, namespace }: Readiness['temporal']): string {
  const where = `${address}, namespace ${namespace}`;
  if (!ok)
    return `${sentence(reason)} Events are accepted and delivered all the same; workflows start once it is back. Look at the server at ${where}.`;
  return `Working at ${where}. ${reason === null ? '' : sentence(reason)}`;
}

const sentence = (reason: string | null) => {
  const text = reason ?? 'Not as it should be';
  return text.charAt(0).toUpperCase() + text.slice(1) + (text.endsWith('.') ? '' : '.');
};

/** Only what a browser may open. */
const uiOf = (url: string | null) =>
  url !== null && /^https?:\/\//.test(url) ? { href: url, label: 'Open its Web UI' } : null;
