import type { IncomingMessage, ServerResponse } from 'node:http';
import { refused, type Auth, type Identity, type KeyAuth } from '../auth.js';
import { requirePage } from './same-origin.js';
import type { PageSessions } from './sessions.js';
import type { PageToken } from './token.js';

/** Accepts the cookie of a page session where a request has no API key. The session has the rights of its key, as it is now. */
export function withSessions(keys: KeyAuth, sessions: PageSessions): Auth {
  async function identifyPage(
    session: PageToken,
    request: IncomingMessage,
    response: ServerResponse,
  ): Promise<Identity> {
    if (!isSafe(request)) requirePage(request);
    // The key first: it is in memory, and its rate limits how often Postgres is asked.
    const identity = await keys.identifyHash(session.keyHash, response, {
      // No wrong credential: the cookie was made here, such as for the admin key before this one.
      unknown() {
        response.setHeader('set-cookie', sessions.removal());
        return ended('The API key of this session is not known any more: sign in again.');
      },
    });
    if (await sessions.isEnded(session)) throw ended('This session was signed out: sign in again.');
    return identity;
  }

  return {
    countFailure: keys.countFailure,
    identify(request, response) {
      const session = sessions.read(request);
      return session === null ? keys.identify(request, response) : identifyPage(session, request, response);
    },
    async isValid(request) {
      const session = sessions.read(request);
      if (session === null) return keys.isValid(request);
      return (await keys.isValidHash(session.keyHash)) && !(await sessions.isEnded(session));
    },
  };
}

const isSafe = ({ method }: IncomingMessage) => method === 'GET' || method === 'HEAD';

const ended = (message: string) => refused('unauthorized', message, [{ path: 'Cookie', message }]);
