import type { CallToolResult } from '@modelcontextprotocol/sdk/types.js';
import { neutral } from '../cli/text.js';
import { ApiError, ConnectionError } from '../client/errors.js';
import { messageOf } from '../lib/error-text.js';

/** An error as the answer of a tool: the words of the API's problem, for the agent to act on. */
export const toolError = (error: unknown): CallToolResult => ({
  isError: true,
  content: [{ type: 'text', text: neutralLines(wordsOf(error)) }],
});

function wordsOf(error: unknown): string[] {
  if (error instanceof ApiError) {
    const { status, code, errors, requestId } = error;
    return [
      `${status}${code ? ` ${code}` : ''}: ${error.message}`,
      ...errors.map(({ path, message }) => `${path}: ${message}`),
      ...(requestId ? [`Request ${requestId}.`] : []),
    ];
  }
  if (error instanceof ConnectionError)
    return [error.message, 'Nothing is known of the request: look before you repeat it.'];
  return [messageOf(error)];
}

const neutralLines = (lines: string[]): string => lines.map(neutral).join('\n');
