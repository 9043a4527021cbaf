import { accessSync, constants, statSync } from 'node:fs';
import { resolve } from 'node:path';
import { z } from 'zod';
import { isNetwork } from './webhook/address-guard.js';

export const port = z
  .string()
  .regex(/^\d{1,5}$/, 'must be a port, 0 to 65535')
  .transform(Number)
  .refine((number) => number <= 65_535, 'must be a port, 0 to 65535');
export const flag = z.enum(['true', 'false'], 'must be true or false').transform((text) => text === 'true');
/** `http:host` and `http:/host` are URLs, too, but to some readers not those of a host. */
const urlOf = (beginning: RegExp, error: string) =>
  z
    .string()
    .trim()
    .refine((text) => beginning.test(text) && URL.canParse(text), { error, abort: true });
export const databaseUrl = urlOf(/^postgres(ql)?:\/\//i, 'must be a postgres:// URL');
/** A list joined by commas. */
const list = z.string().transform((text) => text.split(',').map((part) => part.trim()));
export const networks = list.refine(
  (cidrs) => cidrs.every(isNetwork),
  'must be CIDRs joined by commas, such as 10.0.0.0/8',
);
export const ports = list
  .refine(
    (all) => all.every((part) => /^\d{1,5}$/.test(part) && Number(part) >= 1 && Number(part) <= 65_535),
    'must be ports joined by commas, such as 443,8443',
  )
  .transform((all) => all.map(Number));
/** The value may hold a password: no message repeats it. */
export const proxy = urlOf(/^http:\/\//i, 'must be a URL such as http://proxy.internal:3128').refine(
  hasDecodableUser,
  'has a % in its user or password that begins no escape: write it as %25',
);
/** Hosts may contain `;`, which would end a directive of a content security policy. */
const isOrigin = (text: string) =>
  URL.canParse(text) && /^https?:[^;,']*$/.test(text) && new URL(text).origin === text;
export const origins = list.refine(
  (all) => all.every(isOrigin),
  'must be origins joined by commas, such as https://portal.example.com',
);
export const ancestors = z
  .string()
  .transform((text) => text.trim().split(/\s+/))
  .refine((all) => all.every(isOrigin), 'must be origins joined by blanks, such as https://shop.example.com');
export const file = z
  .string()
  .transform((path) => resolve(path))
  .refine(isReadable, 'must be a file that can be read');
/** The base of links, which everybody may see. */
export const linkUrl = z
  .url({ protocol: /^https?$/, error: 'must be an http(s) URL', abort: true })
  .refine((url) => !/[@?#]/.test(url), 'must have no user, password, query or fragment: links begin with it');
/** As browsers have it, such as with a lower-case scheme, and without a slash at its end. */
export const publicUrl = linkUrl.transform((url) => new URL(url).href.replace(/\/+$/, ''));
/** Must fit into a header behind `Bearer`. */
export const adminKey = z
  .string()
  .regex(/^[!-~]{16,}$/, 'must be at least 16 characters: letters, digits and signs of ASCII, no blanks');
const KEY32 = /^[A-Za-z0-9+/]{43}=$/;
export const key32 = z.string().regex(KEY32, 'must be 32 bytes in base64 (openssl rand -base64 32)');
/** Reads a list of encryption keys. */
export const keysOf = (text: string): string[] => text.split(',').map((key) => key.trim());
export const keys32 = z
  .string()
  .transform(keysOf)
  .refine(
    (keys) => keys.every((key) => KEY32.test(key)),
    'must be keys joined by commas, each 32 bytes in base64 (openssl rand -base64 32)',
  )
  .refine((keys) => new Set(keys).size === keys.length, 'must not have a key twice');
export const count = (most: number) =>
  z
    .string()
    .regex(/^\d{1,9}$/, `must be a whole number, at most ${most}`)
    .transform(Number)
    .refine((number) => number <= most, `must be a whole number, at most ${most}`);
export const processes = z
  .string()
  .regex(/^([1-9]|[1-5]\d|6[0-4])$/, 'must be a whole number, 1 to 64')
  .transform(Number);
export const scale = z
  .string()
  .transform(Number)
  .refine((factor) => factor > 0 && Number.isFinite(factor), 'must be a number above 0');

function isReadable(path: string): boolean {
  try {
    accessSync(path, constants.R_OK);
    return statSync(path).isFile();
  } catch {
    return false;
  }
}

function hasDecodableUser(url: string): boolean {
  const { username, password } = new URL(url);
  try {
    decodeURIComponent(username + password);
    return true;
  } catch {
    return false;
  }
}
