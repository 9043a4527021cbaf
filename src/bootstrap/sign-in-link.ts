import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { keyHash } from '../http/auth.js';
import { BUILT_PAGE } from '../http/page/files.js';
import { newToken, sealToken } from '../http/page/token.js';
import { createSecretCipher } from '../lib/secret-cipher.js';
import { reachable } from './public-url.js';
import type { StartOptions } from './service-options.js';

type Options = Pick<StartOptions, 'publicUrl' | 'adminKey' | 'encryptionKeys'>;

/** Signs in to the dashboard with the admin key, once within ten minutes. Null: the dashboard is not built. */
export function signInLink({ publicUrl, adminKey, encryptionKeys }: Options, url: string): string | null {
  if (!existsSync(join(BUILT_PAGE, 'index.html'))) return null;
  const token = newToken('sign-in link', keyHash(adminKey), Date.now());
  // Behind the #: browsers send it to no server, so it is in no log but that of the start.
  const sealed = sealToken(createSecretCipher(encryptionKeys), 'sign-in link', token);
  return `${publicUrl ?? reachable(url)}/sign-in#token=${sealed}`;
}
