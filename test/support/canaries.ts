import { randomBytes } from 'node:crypto';

/** A confidential value that is planted, in every form in which it may come out again. */
export interface Canary {
  name: string;
  text: string;
  forms: Buffer[];
}

/** Something that was written or answered. `place` is extended by the path inside of `content`, without indexes. */
export interface Trace {
  place: string;
  content: unknown;
}

export interface Leak {
  canary: string;
  place: string;
  excerpt: string;
}

/** A place where a canary belongs, and the reason. */
export interface Expected {
  canary: RegExp;
  place: RegExp;
  because: string;
}

/** The characters around the random part are those that JSON, HTML and URLs escape. */
export function newCanary(name: string, textOf = (core: string) => `${core}"&\\/ x`, bytes = 12): Canary {
  const core = `c${randomBytes(bytes).toString('hex')}`;
  return { name, text: textOf(core), forms: formsOf(core) };
}

/** A value that is not chosen by the test; `bytes`: the key that it stands for. */
export const canaryOf = (name: string, text: string, bytes = Buffer.alloc(0)): Canary => ({
  name,
  text,
  forms: [...formsOf(text), ...(bytes.length > 0 ? [bytes, ...encodedForms(bytes)] : [])],
});

function formsOf(text: string): Buffer[] {
  const json = JSON.stringify(text).slice(1, -1);
  const plain = [text, json, json.replaceAll('/', '\\/'), encodeURIComponent(text)];
  return [...[...new Set(plain)].map((form) => Buffer.from(form)), ...encodedForms(Buffer.from(text))];
}

function encodedForms(bytes: Buffer): Buffer[] {
  const hex = bytes.toString('hex');
  const base64 = [0, 1, 2].map((before) => base64At(before, bytes));
  const forUrls = base64.map((text) => text.replaceAll('+', '-').replaceAll('/', '_'));
  const forms = new Set([hex, hex.toUpperCase(), ...base64, ...forUrls]);
  return [...forms].map((form) => Buffer.from(form));
}

/** The part of a base64 text that these bytes alone decide, behind others. */
function base64At(before: number, bytes: Buffer): string {
  const text = Buffer.concat([Buffer.alloc(before), bytes]).toString('base64');
  return text.slice(Math.ceil((before * 8) / 6), Math.floor(((before + bytes.length) * 8) / 6));
}

/** Every canary in every trace, once for each place. */
export function search(traces: Trace[], canaries: Canary[]): Leak[] {
  const find = createFinder(canaries);
  const leaks = new Map<string, Leak>();
  const note = (place: string, bytes: Uint8Array) => {
    for (const { canary, at } of find(bytes)) {
      const excerpt = Buffer.from(bytes.subarray(Math.max(0, at - 80), at + 80)).toString();
      const key = `${canary} ${place}`;
      if (!leaks.has(key)) leaks.set(key, { canary, place, excerpt });
    }
  };
  const walk = (content: unknown, place: string): void => {
    if (content instanceof Uint8Array) note(place, content);
    else if (typeof content === 'string') note(place, Buffer.from(content));
    else if (Array.isArray(content)) content.forEach((one) => walk(one, place));
    else if (typeof content === 'object' && content !== null)
      for (const [name, value] of Object.entries(content)) {
        note(`${place} (a name)`, Buffer.from(name));
        walk(value, `${place}.${name}`);
      }
  };
  for (const { place, content } of traces) walk(content, place);
  return [...leaks.values()];
}

type Find = (bytes: Uint8Array) => { canary: string; at: number }[];

/** Finds all forms in one pass, by their first four bytes: database files have tens of megabytes. */
function createFinder(canaries: Canary[]): Find {
  const byStart = new Map<number, { canary: string; form: Buffer }[]>();
  const starts = new Uint8Array(65_536);
  const slot = (start: number) => (start ^ (start >>> 16)) & 0xffff;
  for (const { name: canary, forms } of canaries)
    for (const form of forms) {
      const start = form.readInt32BE(0);
      byStart.set(start, [...(byStart.get(start) ?? []), { canary, form }]);
      starts[slot(start)] = 1;
    }
  return (bytes) => {
    const found: ReturnType<Find> = [];
    let last = 0;
    for (let i = 0; i < bytes.length; i++) {
      last = (last << 8) | bytes[i]!;
      if (i < 3 || starts[slot(last)] === 0) continue;
      for (const { canary, form } of byStart.get(last) ?? [])
        if (form.equals(bytes.subarray(i - 3, i - 3 + form.length))) found.push({ canary, at: i - 3 });
    }
    return found;
  };
}

/** Parts leaks into those that are expected nowhere, and the exceptions that none needed. */
export function judge(leaks: Leak[], expected: Expected[]): { leaks: Leak[]; unneeded: Expected[] } {
  const fits =
    (leak: Leak) =>
    ({ canary, place }: Expected) =>
      canary.test(leak.canary) && place.test(leak.place);
  return {
    leaks: leaks.filter((leak) => !expected.some(fits(leak))),
    unneeded: expected.filter((one) => !leaks.some((leak) => fits(leak)(one))),
  };
}
