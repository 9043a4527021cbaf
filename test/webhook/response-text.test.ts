import { randomBytes } from 'node:crypto';
import { brotliCompressSync, deflateRawSync, deflateSync, gzipSync } from 'node:zlib';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { appendTo, keptBody, keptHeaders, newBody, storable } from '../../src/webhook/response-text.js';

const text = 'Grüße, '.repeat(20);

describe('keptBody', () => {
  it.each([
    ['gzip', gzipSync(text)],
    ['X-GZIP', gzipSync(text)],
    ['deflate', deflateSync(text)],
    ['deflate', deflateRawSync(text)],
    ['br', brotliCompressSync(text)],
    ['identity', Buffer.from(text)],
    [undefined, Buffer.from(text)],
  ])('reads a body encoded as %s', async (encoding, bytes) => {
    expect(await keptBody(bytes, encoding, false)).toEqual({ body: text, truncated: false });
  });

  it.each([
    ['gzip', gzipSync],
    ['deflate', deflateSync],
    ['br', brotliCompressSync],
  ] as const)('reads the start of a %s stream that was cut off', async (encoding, compress) => {
    const plain = randomBytes(60_000).toString('hex');
    const kept = await keptBody(compress(plain).subarray(0, 30_000), encoding, true);
    expect(kept).toEqual({ body: plain.slice(0, 4096), truncated: true });
  });

  it('decodes only the kept part of a body that unpacks to 100 MB', async () => {
    const bomb = gzipSync(Buffer.alloc(100_000_000, 'a'));
    const before = process.memoryUsage().arrayBuffers;
    expect(await keptBody(bomb.subarray(0, 65_536), 'gzip', true)).toEqual({
      body: 'a'.repeat(4096),
      truncated: true,
    });
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(5_000_000);
  });

  it.each(['gzip', 'br', 'deflate', 'zstd', 'gzip, br', 'nonsense\0'])(
    'describes in angle brackets a body that cannot be decoded as %j',
    async (encoding) => {
      const { body } = await keptBody(Buffer.from('!not compressed at all!'), encoding, false);
      expect(body).toMatch(/^<23 bytes that could not be decoded as .+>$/);
      expect(body).not.toContain('\0');
    },
  );

  it('returns an empty text for an empty body, whatever its encoding', async () => {
    expect(await keptBody(Buffer.alloc(0), 'gzip', false)).toEqual({ body: '', truncated: false });
  });

  it('truncates at 4 KiB, before a character that does not fit', async () => {
    const bytes = Buffer.from(`${'x'.repeat(4095)}é and more`);
    expect(await keptBody(bytes, undefined, false)).toEqual({ body: 'x'.repeat(4095), truncated: true });
    const exact = Buffer.from('y'.repeat(4096));
    expect(await keptBody(exact, undefined, false)).toEqual({ body: 'y'.repeat(4096), truncated: false });
  });

  it('replaces an incomplete character at the end of a complete body', async () => {
    expect(await keptBody(Buffer.from([0x61, 0xc3]), undefined, false)).toEqual({
      body: 'a\uFFFD',
      truncated: false,
    });
  });

  it('returns storable text for any bytes and any encoding', async () => {
    const encoding = fc.constantFrom(undefined, 'gzip', 'deflate', 'br', 'zstd');
    await fc.assert(
      fc.asyncProperty(
        fc.uint8Array({ maxLength: 6000 }),
        encoding,
        fc.boolean(),
        async (bytes, name, cut) => {
          const { body } = await keptBody(Buffer.from(bytes), name, cut);
          expect(body).not.toMatch(/\0|\p{Surrogate}/u);
          expect(body.length).toBeLessThanOrEqual(4096);
        },
      ),
    );
  });
});

describe('the character set of a body', () => {
  const japanese = Buffer.from('93fa967b8cea', 'hex');

  it.each([
    ['ISO-8859-1', Buffer.from('Gr\xfc\xdfe', 'latin1'), 'Grüße'],
    ['iso-8859-15', Buffer.from([0xa4]), '€'],
    ['shift_jis', japanese, '日本語'],
    ['utf-16le', Buffer.from('日本', 'utf16le'), '日本'],
    ['UTF8', Buffer.from('é'), 'é'],
    ['no-such-set', Buffer.from('é'), 'é'],
  ])('%s is decoded (an unknown one as UTF-8)', async (charset, bytes, body) => {
    expect(await keptBody(bytes, undefined, false, charset)).toEqual({ body, truncated: false });
    expect(await keptBody(gzipSync(bytes), 'gzip', false, charset)).toEqual({ body, truncated: false });
  });

  it('does not let truncation split a character', async () => {
    const bytes = Buffer.concat([Buffer.from('x'.repeat(4095)), japanese]);
    expect(await keptBody(bytes, undefined, false, 'shift_jis')).toEqual({
      body: 'x'.repeat(4095),
      truncated: true,
    });
  });

  it.each([
    ['text/plain; charset=iso-8859-1', 'iso-8859-1'],
    ['text/html;Charset="Shift_JIS"; x=y', 'Shift_JIS'],
    ['application/json', undefined],
  ])('is taken from the content type %s', (type, charset) => {
    expect(newBody({ 'content-type': type })).toMatchObject({ charset, limit: 4096 });
  });
});

describe('appendTo', () => {
  it('copies only the bytes it keeps, and counts all bytes', () => {
    const body = newBody({});
    for (let n = 0; n < 10_000; n++) appendTo(body, Buffer.from('x'));
    expect(body).toMatchObject({ length: 4096, size: 10_000 });
    expect(body.bytes.length).toBe(4096);
    const encoded = newBody({ 'content-encoding': ['gzip'] });
    for (let n = 0; n < 3; n++) appendTo(encoded, Buffer.alloc(40_000));
    expect(encoded).toMatchObject({ length: 65_536, size: 120_000 });
  });
});

describe('keptHeaders', () => {
  it('lower-cases names and joins repeated headers', () => {
    expect(keptHeaders({ 'X-One': '1', 'set-cookie': ['a=1', 'b=2'] })).toEqual({
      'x-one': '1',
      'set-cookie': 'a=1, b=2',
    });
  });

  it('keeps at most 64 headers and 8 KiB in total', () => {
    const many = Object.fromEntries(Array.from({ length: 100 }, (_, n) => [`x-${n}`, 'v']));
    expect(Object.keys(keptHeaders(many))).toHaveLength(64);
    const large = Object.fromEntries(Array.from({ length: 10 }, (_, n) => [`x-${n}`, 'v'.repeat(1000)]));
    expect(Object.keys(keptHeaders(large))).toHaveLength(8);
  });

  it('keeps headers named __proto__ and constructor', () => {
    const headers = keptHeaders(JSON.parse('{"__proto__":"x","constructor":"y"}') as Record<string, string>);
    expect(JSON.stringify(headers)).toBe('{"__proto__":"x","constructor":"y"}');
  });
});

describe('storable', () => {
  it('replaces NUL and lone surrogates and leaves the rest alone', () => {
    expect(storable('a\0b\ud800c\udc00d🦊é')).toBe('a\uFFFDb\uFFFDc\uFFFDd🦊é');
  });
});
