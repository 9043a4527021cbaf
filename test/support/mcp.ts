import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import type { Transport } from '@modelcontextprotocol/sdk/shared/transport.js';

export interface ToolAnswer {
  isError: boolean;
  text: string;
  data: Record<string, unknown>;
}

/** An MCP client of the official SDK, which checks answers against the schemas of the tools. */
export interface McpClient {
  client: Client;
  call(name: string, input?: Record<string, unknown>): Promise<ToolAnswer>;
}

export async function connectMcp(transport: Transport): Promise<McpClient> {
  const client = new Client({ name: 'test', version: '1' });
  await client.connect(transport);
  await client.listTools();
  return {
    client,
    async call(name, input = {}) {
      const answer = await client.callTool({ name, arguments: input });
      const [{ text }] = answer.content as [{ text: string }];
      return {
        isError: answer.isError === true,
        text,
        data: (answer.structuredContent ?? {}) as Record<string, unknown>,
      };
    },
  };
}

export const overHttp = (url: string, apiKey: string): Promise<McpClient> => {
  const requestInit = { headers: { authorization: `Bearer ${apiKey}` } };
  return connectMcp(new StreamableHTTPClientTransport(new URL(url), { requestInit }));
};
