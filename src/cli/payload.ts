import { readFile } from 'node:fs/promises';
import { buffer } from 'node:stream/consumers';
import { rawJson } from '../client/index.js';
import { messageOf } from '../lib/error-text.js';
import { isJsonType } from '../webhook/content.js';
import { EXIT_CODES, ExitError } from './exit-codes.js';
import type { Io } from './io.js';

/** A payload as given on the command line: JSON, `@file`, or `-` for standard input. */
export async function readPayload(given: string, contentType: string | undefined, io: Io): Promise<unknown> {
  const content = await contentOf(given, io);
  return contentType === undefined || isJsonType(contentType) ? parsed(content, rawJson) : content;
}

/** A value of the command line, given likewise. */
export const readJson = async (given: string, io: Io): Promise<unknown> =>
  parsed(await contentOf(given, io), JSON.parse);

function parsed(content: string, parse: (text: string) => unknown): unknown {
  try {
    return parse(content);
  } catch (cause) {
    throw new ExitError(
      EXIT_CODES.usage,
      'This is not JSON: quote it for the shell, or name a file as @file.',
      {
        cause,
      },
    );
  }
}

async function contentOf(given: string, { stdin }: Io): Promise<string> {
  if (given === '-') return decoded(await buffer(stdin));
  if (!given.startsWith('@')) return given;
  const content = await readFile(given.slice(1)).catch((cause: unknown) => {
    throw new ExitError(EXIT_CODES.usage, `The file cannot be read: ${messageOf(cause)}`, { cause });
  });
  return decoded(content);
}

/** Refuses other encodings: their characters would be replaced without a word. */
function decoded(content: Uint8Array): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(content);
  } catch (cause) {
    throw new ExitError(EXIT_CODES.usage, 'The payload must be text in UTF-8.', { cause });
  }
}
