import { z } from 'zod';
import { BODY_FORMS, MASK, STATUS_CLASSES } from '../domain/endpoint.js';
import { MAX_RETRIES, MAX_RETRY_SECONDS } from '../domain/retry-schedule.js';
import { authoritiesProblem, clientCertificateProblem } from '../webhook/certificates.js';
import { headerProblem } from '../webhook/request-headers.js';
import { metadata } from './metadata-schema.js';
import { line, text } from './text-schemas.js';

const IS_MASK = 'Is the mask of a value that is not shown. Give the value itself';
/** Clients may send back what they were shown. `field`: the one to leave out. */
const maskProblem = (field: string) => `${IS_MASK}, or leave ${field} out to keep what is stored.`;
/** A PATCH of one header would delete the others. */
export const HEADER_MASK_PROBLEM = `${IS_MASK}: headers are replaced together, and those left out are deleted. Without the field headers, all are kept.`;
const isNoMask = (value: string) => value !== MASK;

const MAX_PEM = 16 * 1024;
const MAX_AUTHORITIES = 64 * 1024;
/** Postgres rejects NUL and lone surrogates. */
const pem = (max: number) =>
  text(max).regex(/^[\t\r\n\x20-\x7e]*$/, { error: 'Must be PEM, which is printable ASCII.', abort: true });

const retrySchedule = z
  .array(
    z
      .int('Must be whole seconds.')
      .min(1, 'At least 1 second.')
      .max(MAX_RETRY_SECONDS, `At most ${MAX_RETRY_SECONDS} (24 hours).`),
  )
  .min(1, 'At least one retry.')
  .max(MAX_RETRIES, `At most ${MAX_RETRIES} retries.`);

const STATUS_PROBLEM = `Must be a status from 300 to 599, or one of ${STATUS_CLASSES.join(', ')}.`;
const statusPattern = z.union([z.int().min(300).max(599), z.enum(STATUS_CLASSES)], STATUS_PROBLEM);

const basicAuth = z.strictObject({
  username: line(255, 1).refine((name) => !name.includes(':'), 'Must not hold a colon (RFC 7617).'),
  password: line(1024).refine(isNoMask, maskProblem('basic_auth')),
});

const clientCertificate = z
  .strictObject({
    certificate: pem(MAX_PEM),
    private_key: pem(MAX_PEM).refine(isNoMask, { error: maskProblem('client_certificate'), abort: true }),
  })
  .superRefine((given, context) => {
    const problem = clientCertificateProblem(given);
    if (problem) context.addIssue({ code: 'custom', path: [problem.field], message: problem.message });
  });

const authorities = pem(MAX_AUTHORITIES).superRefine((pem, context) => {
  const message = authoritiesProblem(pem);
  if (message) context.addIssue({ code: 'custom', message });
});

const extraSignature = z.strictObject({
  header: text(256).superRefine((name, context) => {
    const message = headerProblem(name, '');
    if (message) context.addIssue({ code: 'custom', message });
  }),
  prefix: text(64)
    .regex(/^[\x20-\x7e]*$/, 'Must be printable ASCII.')
    .default(''),
  encoding: z.enum(['hex', 'base64']),
  secret: line(1024, 1).refine(isNoMask, maskProblem('extra_signature.secret')).nullable().optional(),
});

/** Settings of an endpoint that shape its requests; a PATCH replaces each field that it gives. */
export const wireSettings = {
  basic_auth: basicAuth.nullable(),
  client_certificate: clientCertificate.nullable(),
  ca: authorities.nullable(),
  extra_signature: extraSignature.nullable(),
  body: z.enum(BODY_FORMS),
  retry_schedule: retrySchedule.nullable(),
  permanent_statuses: z.array(statusPattern).max(50, 'At most 50.'),
  metadata,
};

export const wireDefaults = {
  basic_auth: wireSettings.basic_auth.default(null),
  client_certificate: wireSettings.client_certificate.default(null),
  ca: wireSettings.ca.default(null),
  extra_signature: wireSettings.extra_signature.default(null),
  body: wireSettings.body.default('payload'),
  retry_schedule: wireSettings.retry_schedule.default(null),
  permanent_statuses: wireSettings.permanent_statuses.default([]),
  metadata: metadata.default({}),
};
