import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  credentialForms,
  credentialsIn,
  credentialsInUrl,
  redactCutEchoes,
  redactEchoes,
  redactHeaders,
  redactUrl,
} from '../../src/domain/redact.js';

const JWT = 'eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0In0.c2lnbmF0dXJl-_';

describe('redactHeaders', () => {
  it.each([
    'webhook-signature',
    'authorization',
    'Authorization',
    'cookie',
    'set-cookie',
    'x-api-key',
    'apikey',
    'x-auth',
    'x-jwt',
    'X-JWT-Assertion',
    'x-access-token',
    'x-client-secret',
    'ocp-apim-subscription-key',
    'x-password',
    'x-pwd',
    'x-hmac-sha256',
    'authentication-info',
  ])('hides the value of %s', (name) => {
    expect(redactHeaders({ [name]: 'confidential' })).toEqual({ [name]: '[redacted]' });
  });

  it.each([
    [JWT, '[redacted]'],
    [`user ${JWT}; next`, 'user [redacted]; next'],
    ['eyJpdiI6Ijl4c2Q5MjM0IiwidmFsdWUiOiJ4In0=', '[redacted]'],
    ['Bearer abc.def-123', '[redacted]'],
    ['bearer abc.def-123', '[redacted]'],
    ['Basic dXNlcjpwYXNz', '[redacted]'],
    ['Token 0123456789abcdef', '[redacted]'],
    ['sk_live_0123456789', '[redacted]'],
    ['sk-proj-0123456789', '[redacted]'],
    ['a=ghp_0123456789abcdef', 'a=[redacted]'],
    ['github_pat_11AAAA_0123456789', '[redacted]'],
    ['glpat-0123456789abcdefghij', '[redacted]'],
    ['xoxb-1234-5678-abcdef', '[redacted]'],
    ['AKIAIOSFODNN7EXAMPLE', '[redacted]'],
    ['whsec_3Od7bnVRSQRhxUHrMDDvWDa1UzkYyKThi5pezpszU+0=', '[redacted]'],
    ['https://user:password@host.example/x', 'https://[redacted]@host.example/x'],
    [
      'https://host.example/x?a=1&access_token=abc&b=2',
      'https://host.example/x?a=1&access_token=[redacted]&b=2',
    ],
  ])('hides the credential in %s, whatever its header is called', (value, expected) => {
    expect(redactHeaders({ 'x-own': value })).toEqual({ 'x-own': expected });
  });

  it('hides a sent credential that the answer repeats', () => {
    const credentials = credentialsIn({ 'x-api-key': 'p4ssw0rd', 'x-team': 'blue-team', 'x-token': '1' });
    expect(credentials).toEqual(['p4ssw0rd']);
    expect(
      redactHeaders({ 'x-echo': 'you sent p4ssw0rd, 1', 'x-team': 'blue-team' }, { echoes: credentials }),
    ).toEqual({
      'x-echo': 'you sent [redacted], 1',
      'x-team': 'blue-team',
    });
    expect(redactEchoes('{"x-api-key":"p4ssw0rd"}', credentials)).toBe('{"x-api-key":"[redacted]"}');
  });

  it('hides headers that the endpoint sets, and their values where the answer repeats them', () => {
    const names = ['x-team'];
    expect(redactHeaders({ 'x-team': 'blue-team', 'x-of-event': 'shown' }, { names })).toEqual({
      'x-team': '[redacted]',
      'x-of-event': 'shown',
    });
    expect(credentialForms(['blue-team', 'short'])).toEqual(['blue-team']);
  });

  it('hides a sent credential whole where it contains another one', () => {
    const credentials = credentialsIn({}, credentialForms(['secret', 'secret-of-prod']));
    expect(redactEchoes('a secret-of-prod, secret b', credentials)).toBe('a [redacted], [redacted] b');
  });

  it.each([
    ['JSON', String.raw`{"a":"pä\"ss/wörd🦊"}`],
    ['JSON in ASCII', String.raw`{"a":"p\u00e4\"ss/w\u00f6rd\ud83e\udd8a"}`],
    ['JSON with escaped slashes', String.raw`{"a":"pä\"ss\/wörd🦊"}`],
    ['JSON in ASCII with escaped slashes', String.raw`{"a":"p\u00e4\"ss\/w\u00f6rd\ud83e\udd8a"}`],
  ])('hides a sent credential that the answer repeats in %s', (_form, body) => {
    expect(JSON.parse(body)).toEqual({ a: 'pä"ss/wörd🦊' });
    expect(redactEchoes(body, credentialForms(['pä"ss/wörd🦊']))).toBe('{"a":"[redacted]"}');
  });

  it.each([
    ['a URL', 'a=p%22s%26s%20w%27%2Brd%3C&b'],
    ['a form', 'a=p%22s%26s+w%27%2Brd%3C&b'],
    ['HTML of Python', '<p>p&quot;s&amp;s w&#x27;+rd&lt;</p>'],
    ['HTML of PHP', '<p>p&quot;s&amp;s w&#039;+rd&lt;</p>'],
    ['HTML of Go', '<p>p&#34;s&amp;s w&#39;+rd&lt;</p>'],
    ['HTML of text', `<p>p"s&amp;s w'+rd&lt;</p>`],
    ['JSON in HTML', String.raw`<p>{&quot;a&quot;:&quot;p\&quot;s&amp;s w&#39;+rd&lt;&quot;}</p>`],
  ])('hides a sent credential that the answer repeats in %s', (_form, body) => {
    expect(redactEchoes(body, credentialForms([`p"s&s w'+rd<`]))).toMatch(
      /^.*\[redacted\](&b|<\/p>|&quot;.*)$/,
    );
    expect(redactEchoes(body, credentialForms([`p"s&s w'+rd<`]))).not.toMatch(/rd/);
  });

  it('hides the part of a credential at the end of an answer that was cut', () => {
    const forms = credentialForms(['secret-of-prod', 'prod-and-test']);
    const cut = (text: string) => redactCutEchoes(text, forms);
    expect(cut('a secret-of-prod b secret-of')).toBe('a [redacted] b [redacted]');
    expect(cut('prod-a')).toBe('[redacted]');
    expect(cut('one secre')).toBe('one secre');
    expect(cut('one secret-of-x')).toBe('one secret-of-x');
    expect(cut('secretsecret')).toBe('secret[redacted]');
    expect(redactCutEchoes('text', [])).toBe('text');
  });

  it('hides the parameters of a URL that are credentials, as they were sent and decoded', () => {
    const url = 'https://host.example/in?page=12345678&access_token=a%2Fb+c%22d&sig=%zz1234';
    expect(credentialsInUrl(url)).toEqual(['a%2Fb+c%22d', 'a/b+c"d', '%zz1234', '%zz1234']);
    expect(credentialsInUrl('https://host.example/in?page=12345678')).toEqual([]);
  });

  it('keeps headers that hold no credential', () => {
    const headers = {
      'webhook-id': 'evt_1',
      'webhook-attempt': '1',
      'x-team': 'blue',
      'idempotency-key': 'k',
      'www-authenticate': 'Bearer realm="api", error="invalid_token"',
      'content-type': 'application/json; charset=utf-8',
      location: 'https://host.example/hooks?page=2',
      traceparent: '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01',
      etag: '"33a64df551425fcc55e4d42a148795d9f25f89d4"',
      date: 'Tue, 24 Nov 2026 22:30:18 GMT',
      'x-disk-name': 'disk_0123456789',
    };
    expect(redactHeaders(headers)).toEqual(headers);
  });

  it('removes a token after any known prefix, anywhere in a value', () => {
    const prefix = fc.constantFrom(
      'Bearer ',
      'Basic ',
      'sk_live_',
      'shk_',
      'shs_',
      'shc_',
      'ghp_',
      'xoxp-',
      'eyJhbGciOi',
    );
    const token = fc.stringMatching(/^[A-Za-z0-9]{12,60}$/);
    const around = fc.constantFrom('', 'v1 ', 'a=', '"', ', ');
    fc.assert(
      fc.property(prefix, token, around, (begin, secret, before) => {
        expect(redactHeaders({ 'x-own': `${before}${begin}${secret}` })['x-own']).not.toContain(secret);
      }),
    );
  });

  it('handles values of 8 KiB without catastrophic backtracking', () => {
    for (const part of ['eyJ', 'Bearer ', '://', '?key', 'sk_', 'a:'])
      expect(redactHeaders({ 'x-own': part.repeat(8_192 / part.length) })['x-own']).toBeTypeOf('string');
  });
});

it.each([
  ['https://host.example/hooks/orders', 'https://host.example/hooks/orders'],
  ['https://host.example/hooks?token=abc#x', 'https://host.example/hooks'],
  ['https://host.example?a=1', 'https://host.example'],
  ['https://user:password@host.example/x', 'https://[redacted]@host.example/x'],
  [
    'https://chat.example/services/T00/B00/XXXXXXXXXX0123456789xxxx',
    'https://chat.example/services/T00/B00/[redacted]',
  ],
  ['https://host.example/0f8fad5b-d9cb-469f-a165-70867728950e/in', 'https://host.example/[redacted]/in'],
  [
    'https://a-host-with-a-long-name-0123456789.example/x',
    'https://a-host-with-a-long-name-0123456789.example/x',
  ],
  ['https://host.example/webhook-events-of-orders', 'https://host.example/webhook-events-of-orders'],
])('the URL %s is redacted to %s', (url, expected) => {
  expect(redactUrl(url)).toBe(expected);
});
