/** All that a server of ours needs from the environment. */
const SERVER_VARIABLES = new Set([
  ...['PATH', 'HOME', 'LANG', 'LC_ALL', 'TZ', 'TMPDIR', 'LD_LIBRARY_PATH'],
  ...['GOMAXPROCS', 'GOMEMLIMIT', 'GOGC'],
  ...['SYSTEMROOT', 'TEMP', 'TMP', 'USERPROFILE'],
]);

/**
 * The environment of a server of ours: an allow-list, because whoever may read the server's files may read its
 * environment in /proc, and ours holds keys.
 */
export function serverEnv(env: NodeJS.ProcessEnv = process.env): NodeJS.ProcessEnv {
  return only(env, (name) => SERVER_VARIABLES.has(name.toUpperCase()));
}

/** The environment of a tool that downloads or builds: proxies and the like are kept, our secrets are not. */
export function toolEnv(env: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  return only(env, (name) => !/^(SUREHOOK_|DATABASE_URL$|TEMPORAL_API_KEY$|PGPASSWORD$)/i.test(name));
}

const only = (env: NodeJS.ProcessEnv, keep: (name: string) => boolean): NodeJS.ProcessEnv =>
  Object.fromEntries(Object.entries(env).filter(([name]) => keep(name)));
