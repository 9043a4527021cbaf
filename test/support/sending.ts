import { createAddressGuard } from '../../src/webhook/address-guard.js';
import { createSender, type Sender, type SendRequest, type SendResult } from '../../src/webhook/send.js';
import { parseProxy } from '../../src/webhook/tunnel.js';

export type Send = (url: string, request?: Partial<SendRequest>) => Promise<SendResult>;

/** A sender allowed to reach 127.0.0.0/8; a test passes only the request fields that matter to it. */
export function startSender(
  options: { ca?: string; proxy?: string; allowPorts?: number[] } = {},
): { send: Send } & Pick<Sender, 'withdraw' | 'close'> {
  const { ca, proxy, allowPorts = null } = options;
  const sender = createSender({
    guard: createAddressGuard(['127.0.0.0/8'], () => {}, allowPorts),
    proxy: proxy ? parseProxy(proxy) : null,
    ...(ca ? { ca } : {}),
  });
  return {
    send: (url, request = {}) =>
      sender.send({
        url,
        headers: {},
        body: '{}',
        timeoutMs: 10_000,
        tenant: 'default',
        endpointId: 'ep_test',
        ...request,
      }),
    withdraw: (match) => sender.withdraw(match),
    close: () => sender.close(),
  };
}
