import { createReadStream, createWriteStream } from 'node:fs';
import { open, type FileHandle } from 'node:fs/promises';
import { pipeline } from 'node:stream/promises';
import { createInflateRaw } from 'node:zlib';

/** Sizes of a zip archive's records without their names, in bytes. */
const END = 22;
const ENTRY = 46;
const LOCAL = 30;
const DEFLATED = 8;

/** Writes the file whose name ends with `ending` to `target`. For zip archives below 4 GiB without a comment. */
export async function unzipFile(archive: string, ending: string, target: string): Promise<void> {
  const file = await open(archive);
  let from: number, size: number;
  try {
    ({ from, size } = await locate(file, ending));
  } finally {
    await file.close();
  }
  await pipeline(
    createReadStream(archive, { start: from, end: from + size - 1 }),
    createInflateRaw(),
    createWriteStream(target, { mode: 0o755 }),
  );
}

async function locate(file: FileHandle, ending: string): Promise<{ from: number; size: number }> {
  const end = await read(file, (await file.stat()).size - END, END);
  const directory = await read(file, end.readUInt32LE(16), end.readUInt32LE(12));
  for (let at = 0; at < directory.length;) {
    const nameLength = directory.readUInt16LE(at + 28);
    const name = directory.toString('utf8', at + ENTRY, at + ENTRY + nameLength);
    if (name.endsWith(ending) && directory.readUInt16LE(at + 10) === DEFLATED) {
      const offset = directory.readUInt32LE(at + 42);
      const local = await read(file, offset, LOCAL);
      const from = offset + LOCAL + local.readUInt16LE(26) + local.readUInt16LE(28);
      return { from, size: directory.readUInt32LE(at + 20) };
    }
    at += ENTRY + nameLength + directory.readUInt16LE(at + 30) + directory.readUInt16LE(at + 32);
  }
  throw new Error(`there is no ${ending} in the archive`);
}

async function read(file: FileHandle, position: number, length: number): Promise<Buffer> {
  const { buffer, bytesRead } = await file.read(Buffer.alloc(length), 0, length, position);
  if (bytesRead < length) throw new Error('the archive is cut short');
  return buffer;
}
