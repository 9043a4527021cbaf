import { causesOf, isError, messageOf } from '../src/lib/error-text.js';

/** Temporal keeps the message and the stack of an activity's error: an error that quotes data is replaced. */
export function withoutData<T extends object>(activities: T): T {
  const entries = Object.entries(activities as Record<string, (input: never) => Promise<unknown>>);
  const wrapped = entries.map(([name, activity]) => [
    name,
    async (input: never) => {
      try {
        return await activity(input);
      } catch (error) {
        throw isError(error) && causesOf(error).some(quotesData) ? new Error(messageOf(error)) : error;
      }
    },
  ]);
  return Object.fromEntries(wrapped) as T;
}

const quotesData = (error: Error) => messageOf(error) !== error.message;
