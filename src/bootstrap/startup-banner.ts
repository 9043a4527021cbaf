import { join } from 'node:path';
import type { Config } from '../config.js';
import { ADMIN_AUTH_FILE, ADMIN_KEY_FILE } from '../embedded/data-files.js';
import { createAddressGuard } from '../webhook/address-guard.js';

export const authHeader = (key: string) => `Authorization: Bearer ${key}`;

const RECEIVER = 'http://127.0.0.1:9000/';

/** Receiver in the first line to copy: it prints each request and answers 204. */
const RECEIVE =
  `require("http").createServer((q,s)=>{console.log(q.method,q.url);q.pipe(process.stdout,{end:false});` +
  `q.on("end",()=>{console.log();s.writeHead(204).end()})}).listen(9000,"127.0.0.1")`;

/** The lines printed once everything runs, down to the commands for a first webhook. */
export function startupBanner(options: {
  url: string;
  config: Config;
  admin: { value: string; created: boolean };
  /** A link that signs in once; null: the dashboard is not built. */
  dashboardUrl: string | null;
  uiUrl: string | null;
  allowNetworks: string[];
}): string[] {
  const { url, config, admin, dashboardUrl, uiUrl, allowNetworks } = options;
  const keyFile = join(config.dataDir, ADMIN_KEY_FILE);
  // No command line holds the key: printf is a shell builtin, not a process.
  const curl = config.adminKey
    ? `printf '${authHeader('%s')}' "$SUREHOOK_ADMIN_KEY" | curl -s -H @-`
    : `curl -s -H ${quoted(`@${join(config.dataDir, ADMIN_AUTH_FILE)}`)}`;
  const send = (to: string) => [
    `    ${curl} ${url}/v1/send \\`,
    `      -d '{"url":"${to}","type":"hello.world","payload":{"hello":"world"}}'`,
  ];
  const kept = config.adminKey ? '' : ` in ${keyFile}`;
  const local = !createAddressGuard(allowNetworks).isForbidden('127.0.0.1');
  return [
    `surehook ready on ${url}`,
    ...(dashboardUrl
      ? [
          `  dashboard     ${dashboardUrl}`,
          `                (signs in once, within 10 minutes; after that with the admin key${kept})`,
        ]
      : []),
    ...(admin.created ? [`  admin key     ${admin.value}  (kept in ${keyFile})`] : []),
    ...(uiUrl ? [`  Temporal UI   ${uiUrl}`] : []),
    ...(local
      ? [
          '  first webhook: start a receiver in another terminal (127.0.0.1 is allowed here, see SUREHOOK_ALLOW_NETWORKS),',
          `    node -e '${RECEIVE}'`,
          '  and send it something:',
          ...send(RECEIVER),
        ]
      : [
          '  first webhook, with the URL of your receiver (127.0.0.1 is not allowed here, see SUREHOOK_ALLOW_NETWORKS):',
          ...send('https://your-receiver.example/'),
        ]),
  ];
}

/** Quotes a path so that a POSIX shell takes it as one word. */
function quoted(path: string): string {
  return /^[\w/.,:@%+=-]+$/.test(path) ? path : `'${path.replaceAll("'", `'\\''`)}'`;
}
