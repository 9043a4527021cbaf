import { SurehookError } from './errors.js';
import {
  SignatureMismatchError,
  verifyWebhook,
  type VerifiedWebhook,
  type WebhookHeaders,
} from './verify-webhook.js';

/** Anybody can send requests whose signature matches nothing: they must not become as many requests to the API. */
const REREAD_MS = 60_000;

/** Whether a request is signed is not known now: answer it with 503. */
export class SecretsUnknownError extends SurehookError {
  constructor(
    message: string,
    readonly retryAfterSeconds: number,
    options?: ErrorOptions,
  ) {
    super(message, options);
  }
}

export type ListenerSecrets = ReturnType<typeof createListenerSecrets>;

/** The secrets of a listener's endpoint; they are read again when a signature matches none of them, as after a rotation. */
export function createListenerSecrets(first: string[], read: () => Promise<string[]>) {
  let secrets = first;
  let readAt = -Infinity;
  let reading: Promise<void> | null = null;

  async function readAgain(): Promise<void> {
    const waitMs = readAt + REREAD_MS - performance.now();
    if (reading === null) {
      if (waitMs > 0)
        throw new SecretsUnknownError(
          'The secrets were read less than a minute ago.',
          Math.ceil(waitMs / 1_000),
        );
      readAt = performance.now();
      reading = read()
        .then((now) => {
          secrets = now;
        })
        .finally(() => {
          reading = null;
        });
    }
    await reading.catch((cause: unknown) => {
      throw new SecretsUnknownError('The secrets cannot be read.', REREAD_MS / 1_000, { cause });
    });
  }

  return {
    /** Throws a `WebhookVerificationError`, or a `SecretsUnknownError`. */
    async verify(rawBody: Uint8Array, headers: WebhookHeaders): Promise<VerifiedWebhook> {
      try {
        return verifyWebhook(rawBody, headers, secrets);
      } catch (error) {
        if (!(error instanceof SignatureMismatchError)) throw error;
      }
      await readAgain();
      return verifyWebhook(rawBody, headers, secrets);
    },
  };
}
