import type { IncomingMessage } from 'node:http';
import { refused, type Auth, type KeyAuth } from '../auth.js';
import type { PageSessions } from './sessions.js';
import { requirePage } from './same-origin.js';

/** Accepts the cookie of a page session where a request has no API key. The session has the rights of its key, as it is now. */
export const withSessions = (keys: KeyAuth, sessions: PageSessions): Auth => ({
  countFailure: keys.countFailure,
  identify(request, response) {
    const session = sessions.read(request);
    if (session === null) return keys.identify(request, response);
    if (!isSafe(request)) requirePage(request);
    return sessions.isEnded(session).then((isEnded) => {
      if (isEnded) throw signedOut();
      return keys.identifyHash(session.keyHash, request, response);
    });
  },
  async isValid(request) {
    const session = sessions.read(request);
    if (session === null) return keys.isValid(request);
    return !(await sessions.isEnded(session)) && (await keys.isValidHash(session.keyHash));
  },
});

const isSafe = ({ method }: IncomingMessage) => method === 'GET' || method === 'HEAD';

function signedOut() {
  const message = 'This session was signed out: sign in again.';
  return refused('unauthorized', message, [{ path: 'Cookie', message }]);
}
