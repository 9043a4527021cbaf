import { mkdir, mkdtemp, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { brotliCompressSync, gzipSync } from 'node:zlib';
import { checkAnswer } from './conformance.js';
import type { Answer, TestService } from './service.js';

export const SCRIPT = 'console.log("the page");\n'.repeat(100);

/** A build of the dashboard in a folder of its own. */
export async function makePage(): Promise<string> {
  const dir = await mkdtemp(join(tmpdir(), 'surehook-page-'));
  await mkdir(join(dir, 'assets'));
  const html = (title: string) =>
    `<!doctype html><title>${title}</title><style nonce="__CSP_NONCE__"></style><meta nonce="__CSP_NONCE__">`;
  await writeFile(join(dir, 'index.html'), html('operator'));
  await writeFile(join(dir, 'portal.html'), html('portal'));
  await writeFile(join(dir, 'assets/app-a1b2c3d4.js'), SCRIPT);
  await writeFile(join(dir, 'assets/app-a1b2c3d4.js.br'), brotliCompressSync(SCRIPT));
  await writeFile(join(dir, 'assets/app-a1b2c3d4.js.gz'), gzipSync(SCRIPT));
  await writeFile(join(dir, 'assets/mark.svg'), '<svg/>');
  await writeFile(join(dir, '.sources'), 'a stamp');
  return dir;
}

/** A request as the page makes it: with a cookie instead of an API key. `undefined` leaves a header out. */
export async function asPage<T = Record<string, unknown>>(
  t: TestService,
  cookie: string,
  [method, path, body]: [method: string, path: string, body?: unknown],
  over: Record<string, string | undefined> = {},
): Promise<Answer<T>> {
  const headers = { cookie, 'x-surehook-page': '1', 'sec-fetch-site': 'same-origin', ...over };
  const response = await fetch(t.service.url + path, {
    method,
    headers: Object.entries(headers).filter((one): one is [string, string] => one[1] !== undefined),
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  const text = await response.text();
  const answer = {
    status: response.status,
    headers: response.headers,
    body: (text ? JSON.parse(text) : null) as T,
  };
  checkAnswer({ method, path }, answer);
  return answer;
}

export const signIn = (t: TestService, body: unknown, over: Record<string, string | undefined> = {}) =>
  asPage<{ code: string; errors: { path: string }[] }>(t, '', ['POST', '/session', body], {
    cookie: undefined,
    ...over,
  });

/** The `name=value` of the cookie that an answer sets. */
export const cookieOf = ({ headers }: Answer<unknown>): string => headers.get('set-cookie')!.split(';')[0]!;

/** The cookie of a new session. */
export async function openSession(t: TestService, apiKey: string): Promise<string> {
  const answer = await signIn(t, { api_key: apiKey });
  if (answer.status !== 200) throw new Error(JSON.stringify(answer.body));
  return cookieOf(answer);
}
