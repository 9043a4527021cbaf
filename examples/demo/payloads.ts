import { createRequire } from 'node:module';
import { MAX_PAYLOAD_BYTES } from '../../src/domain/event.js';

// The package is one JSON file, whose types claim a default export it does not have.
const collected = createRequire(import.meta.url)('@octokit/webhooks-examples') as {
  name: string;
  examples: unknown[];
}[];

export interface Payload {
  event: string;
  text: string;
}

const every: Payload[] = collected.flatMap(({ name, examples }) =>
  examples.map((example) => ({ event: name, text: JSON.stringify(example) })),
);

/** GitHub's webhook payloads, without those the API is right to refuse. */
export const PAYLOADS = every.filter(({ text }) => Buffer.byteLength(text) <= MAX_PAYLOAD_BYTES);
export const SKIPPED = every.length - PAYLOADS.length;

export function payloadOf(event: string): string {
  const found = PAYLOADS.find((payload) => payload.event === event);
  if (!found) throw new Error(`There is no example payload of ${event}.`);
  return found.text;
}
