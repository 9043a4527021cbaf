import { mkdir, mkdtemp, readlink, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { linkLibraries } from '../../src/embedded/library-links.js';

test('the libraries are linked where no install script has run, and once', async () => {
  const dir = await mkdtemp(join(tmpdir(), 'surehook-links-'));
  const native = join(dir, 'native');
  try {
    await mkdir(join(native, 'lib'), { recursive: true });
    await linkLibraries(native);
    const links = [{ source: 'native/lib/liba.so.6.18', target: 'native/lib/liba.so.6' }];
    await writeFile(join(native, 'pg-symlinks.json'), JSON.stringify(links));
    for (let time = 0; time < 2; time++) await linkLibraries(native);
    expect(await readlink(join(native, 'lib/liba.so.6'))).toBe('liba.so.6.18');
    await rm(join(native, 'lib'), { recursive: true });
    await expect(linkLibraries(native)).rejects.toThrow('cannot be linked');
  } finally {
    await rm(dir, { recursive: true, force: true });
  }
});
