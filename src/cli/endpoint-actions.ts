import type { Command } from 'commander';
import type { Answer } from '../client/index.js';
import { defined } from '../lib/defined.js';
import type { Io } from './io.js';
import { wholeNumber } from './list.js';
import type { Output } from './output.js';
import { readJson } from './payload.js';
import { bold, dim } from './text.js';
import { withClient } from './with-client.js';
import { writeEndpoint } from './write-endpoint.js';

const ACTS = [
  ['pause', 'Hold the deliveries to an endpoint.'],
  ['resume', 'Let the held deliveries to an endpoint go on.'],
  ['enable', 'Deliver to an endpoint again.'],
  ['disable', 'Stop delivering to an endpoint.'],
] as const;

/** Adds the commands that act on an endpoint. */
export function addEndpointActions(endpoints: Command, io: Io): void {
  for (const [act, description] of ACTS)
    onEndpoint(endpoints, act, description)
      .option('--reason <text>', 'for the audit')
      .action(
        withClient(io, async ({ client, out }, id: string, body: { reason?: string }) =>
          writeEndpoint(out, await client.endpoints[act](id, body)),
        ),
      );

  onEndpoint(endpoints, 'test', 'Send a signed sample, and say how it went and what to do.')
    .option('--type <type>', 'event type of the sample')
    .option('--payload <json>', 'of the sample: JSON, @file, or - for standard input')
    .option('--preview', 'show the request, and send nothing')
    .action(
      withClient(io, async ({ client, out }, id: string, { type, payload, preview }: TestOptions) => {
        const sample = payload === undefined ? {} : { payload: await readJson(payload, io) };
        const body = { ...defined({ event_type: type, preview }), ...sample };
        writeTest(out, await client.endpoints.test(id, body));
      }),
    );

  onEndpoint(endpoints, 'secret', 'Show the secrets that sign the webhooks of an endpoint.').action(
    withClient(io, async ({ client, out }, id: string) =>
      writeSecrets(out, await client.endpoints.secret(id)),
    ),
  );

  onEndpoint(endpoints, 'rotate', 'Give an endpoint a new secret; the old one signs, too, for a time.')
    .option('--overlap <seconds>', 'how long the old secret signs (default: a day)', wholeNumber)
    .action(
      withClient(io, async ({ client, out }, id: string, { overlap }: { overlap?: number }) =>
        writeSecrets(out, await client.endpoints.rotateSecret(id, defined({ overlap_seconds: overlap }))),
      ),
    );
}

const onEndpoint = (endpoints: Command, name: string, description: string): Command =>
  endpoints.command(name).description(description).argument('<id>', 'such as ep_…');

interface TestOptions {
  type?: string;
  payload?: string;
  preview?: boolean;
}

function writeTest(out: Output, test: Answer<'testEndpoint'>): void {
  out.result(test, () => {
    out.line(bold(test.diagnosis));
    const { method, url, headers, body } = test.request;
    out.line(dim(`  > ${method} ${url}`));
    for (const [name, value] of Object.entries(headers)) out.line(dim(`  > ${name}: ${value}`));
    out.line(dim(`  > ${body}`));
    if (test.attempt?.http_status) out.line(dim(`  < ${test.attempt.http_status}`));
    for (const line of (test.attempt?.response_body ?? '').split('\n').filter(Boolean))
      out.line(dim(`  < ${line}`));
  });
}

function writeSecrets(out: Output, secrets: Answer<'getEndpointSecret'>): void {
  out.result(secrets, () => {
    for (const { secret, expires_at } of secrets.secrets)
      out.line(secret, dim(expires_at === null ? '' : `  signs until ${expires_at}`));
  });
}
