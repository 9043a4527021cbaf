import { z } from 'zod';
import type { ZodOpenApiOperationObject, ZodOpenApiPathsObject } from 'zod-openapi';
import { operationalEvents } from './operational-events.js';

const headers = z.object({
  'webhook-id': z.string().meta({ description: 'The id of the event: the same for every retry and replay.' }),
  'webhook-timestamp': z
    .string()
    .regex(/^\d+$/)
    .meta({ description: 'When this attempt began, in Unix seconds.' }),
  'webhook-signature': z
    .string()
    .regex(/^v1a?,\S+( v1a?,\S+)*$/)
    .meta({
      description:
        'One signature of `<webhook-id>.<webhook-timestamp>.<body>` for each secret, separated by blanks: `v1,` and the base64 of an HMAC-SHA256, or `v1a,` and that of an ed25519 signature.',
    }),
  'webhook-attempt': z.string().regex(/^\d+$/).meta({ description: 'The number of the attempt, from 1.' }),
  'webhook-event-type': z.string(),
  'user-agent': z.string(),
});

const answer = (description: string) => ({ description });
const responses = {
  '2XX': answer('DELIVERED, whatever the body is.'),
  '3XX': answer('REDIRECT: the delivery has failed.'),
  408: answer('Retried, as is 425.'),
  410: answer('GONE: the delivery has failed, and the endpoint is disabled.'),
  429: answer('Retried, not before `retry-after`.'),
  '4XX': answer('HTTP_4XX_PERMANENT: the delivery has failed.'),
  '5XX': answer('Retried, not before `retry-after`.'),
};

const envelope = z
  .object({
    type: z.string(),
    timestamp: z.iso.datetime().meta({ description: 'When the event was accepted.' }),
    data: z.unknown().meta({ description: 'The payload, as it was posted.' }),
  })
  .meta({ id: 'Envelope', description: 'The body of endpoints with `body: envelope`.' });

const request = (
  operationId: string,
  about: { summary: string; description: string },
  content: NonNullable<ZodOpenApiOperationObject['requestBody']>['content'],
): ZodOpenApiPathsObject[string] => ({
  post: {
    ...{ operationId, ...about, security: [], requestParams: { header: headers } },
    ...{ requestBody: { required: true, content }, responses },
  },
});

const event = request(
  'receiveEvent',
  {
    summary: 'An event, sent to an endpoint',
    description:
      'Signed as [Standard Webhooks](https://www.standardwebhooks.com) says: verify the bytes as they arrived. The body is the text of `payload` as it was posted, or an `Envelope` around it. An endpoint may add headers, credentials, a second signature and a client certificate; an endpoint and an event may set another content type. Redirects are not followed. The header `webhook-delivery: abort` of an answer ends the delivery, and `webhook-delivery: disable` disables the endpoint.',
  },
  {
    'application/json': { schema: z.union([envelope, z.unknown()]) },
    '*/*': { schema: z.string() },
  },
);

const camel = (type: string) => type.replaceAll(/(?:^|\.)(\w)/g, (_, letter: string) => letter.toUpperCase());

/** The requests that Surehook sends: events, and events about Surehook itself to endpoints of the tenant `surehook`. */
export const webhooks: ZodOpenApiPathsObject = {
  event,
  ...Object.fromEntries(
    operationalEvents.map(({ type, when, body }) => [
      type,
      request(
        `receive${camel(type)}`,
        { summary: when, description: 'Sent to endpoints of the tenant `surehook`, as any other event.' },
        { 'application/json': { schema: body } },
      ),
    ]),
  ),
};
