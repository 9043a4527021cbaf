import type { IncomingMessage } from 'node:http';
import type { SecretCipher } from '../../lib/secret-cipher.js';
import { hasKey } from '../auth.js';
import { newToken, openToken, sealToken, type PageToken } from './token.js';

/** Sessions of the dashboard. All of a session is in its cookie: every process with the encryption keys can read it. */
export interface PageSessions {
  /** A new session of a key, and the `set-cookie` that begins it. */
  begin(keyHash: string): { session: PageToken; cookie: string };
  /**
   * The session of a request without an API key; null: it has none that can be read and has not expired. The session may
   * have been signed out, and its key revoked.
   */
  read(request: IncomingMessage): PageToken | null;
  /** The same, also where the request has an API key. */
  inCookie(request: IncomingMessage): PageToken | null;
  /** Whether it was signed out, in whichever process. */
  isEnded(session: PageToken): Promise<boolean>;
  /** Signs out for good: a copy of the cookie is refused, too. Writes only where the session has not ended. */
  end(session: PageToken): Promise<void>;
  /** The `set-cookie` that removes the cookie. */
  removal(): string;
  /** The hash of the key that a sign-in link is for; else why it signs nobody in. */
  redeem(link: string): Promise<{ keyHash: string } | 'unknown' | 'expired' | 'used'>;
}

export interface SessionDeps {
  secrets: Pick<SecretCipher, 'seal' | 'open'>;
  /** False: the token was used up before. */
  spend(token: { id: string; expiresAt: Date }): Promise<boolean>;
  isSpent(id: string): Promise<boolean>;
  /** Whether browsers reach the page by HTTPS. */
  isHttps(): boolean;
  now?: () => number;
}

const NAME = 'surehook_session';

export function createPageSessions(deps: SessionDeps): PageSessions {
  const { secrets, spend, isSpent, isHttps, now = Date.now } = deps;
  // With the prefix, a browser takes the cookie only from this very host, and by HTTPS.
  const name = () => (isHttps() ? `__Host-${NAME}` : NAME);
  const cookieOf = (value: string, seconds: number) =>
    [
      `${name()}=${value}`,
      ...[`Max-Age=${seconds}`, 'Path=/', 'HttpOnly', 'SameSite=Strict'],
      ...(isHttps() ? ['Secure'] : []),
    ].join('; ');
  const spendToken = ({ id, expiresAt }: PageToken) => spend({ id, expiresAt: new Date(expiresAt) });

  const endings = new Map<string, Promise<void>>();
  async function endLive(session: PageToken): Promise<void> {
    if (!(await isSpent(session.id))) await spendToken(session);
  }

  const sessions: PageSessions = {
    begin(keyHash) {
      const at = now();
      const session = newToken('session', keyHash, at);
      const seconds = Math.floor((session.expiresAt - at) / 1000);
      return { session, cookie: cookieOf(sealToken(secrets, 'session', session), seconds) };
    },
    read: (request) => (hasKey(request) ? null : sessions.inCookie(request)),
    inCookie({ headers }) {
      const value = cookieIn(headers.cookie, name());
      const session = value === null ? null : openToken(secrets, 'session', value);
      return session && session.expiresAt > now() ? session : null;
    },
    isEnded: ({ id }) => isSpent(id),
    end(session) {
      const { id } = session;
      const ending = endings.get(id) ?? endLive(session).finally(() => endings.delete(id));
      endings.set(id, ending);
      return ending;
    },
    removal: () => cookieOf('', 0),
    async redeem(link) {
      const token = openToken(secrets, 'sign-in link', link);
      if (token === null) return 'unknown';
      if (token.expiresAt <= now()) return 'expired';
      return (await spendToken(token)) ? { keyHash: token.keyHash } : 'used';
    },
  };
  return sessions;
}

function cookieIn(header: string | undefined, name: string): string | null {
  for (const pair of header?.split(';') ?? []) {
    const at = pair.indexOf('=');
    if (at > 0 && pair.slice(0, at).trim() === name) return pair.slice(at + 1).trim();
  }
  return null;
}
