import { InvalidArgumentError, type Command } from 'commander';
import { VERSION } from '../../bootstrap/version.js';
import { connect, outputOf, urlOf } from '../connect.js';
import type { Io } from '../io.js';

interface Options {
  http?: boolean;
  host: string;
  port: number;
  allowHost: string[];
}

/** `surehook mcp`: tools for agents, by the Model Context Protocol. */
export function addMcp(program: Command, io: Io): void {
  program
    .command('mcp')
    .summary('Serve tools for agents (MCP).')
    .description(
      'Serve tools for agents by the Model Context Protocol: on standard input and output, with your API key, or over HTTP, with the key of each request.',
    )
    .option('--http', 'serve Streamable HTTP at /mcp')
    .option('--host <address>', 'address to listen on', '127.0.0.1')
    .option('--port <port>', 'port to listen on; 0 takes any free one', toPort, 8090)
    .option('--allow-host <name...>', 'further host names that requests may be addressed to', addHost, [])
    .action((options: Options, command: Command) =>
      options.http ? serveHttp(io, options, command) : serveStdio(io, command),
    );
}

/** Ends with its standard input. */
async function serveStdio(io: Io, command: Command): Promise<void> {
  const { client } = await connect(io, command);
  const { StdioServerTransport } = await import('@modelcontextprotocol/sdk/server/stdio.js');
  const { createMcpServer } = await import('../../mcp/server.js');
  await createMcpServer(client, VERSION).connect(new StdioServerTransport(io.stdin, io.stdout));
}

async function serveHttp(io: Io, { host, port, allowHost }: Options, command: Command): Promise<void> {
  const { startMcpHttp } = await import('../../mcp/http.js');
  const { onShutdownSignal } = await import('../../bootstrap/shutdown-signals.js');
  const url = urlOf(io, command);
  const server = await startMcpHttp({ url, host, port, allowedHosts: allowHost, version: VERSION });
  outputOf(io, command).result(
    { url: server.url },
    () => void io.stdout.write(`MCP is served on ${server.url}\n`),
  );
  await new Promise<void>((resolve) => onShutdownSignal(async () => resolve()));
  await server.close();
}

function toPort(text: string): number {
  if (/^\d{1,5}$/.test(text) && Number(text) <= 65_535) return Number(text);
  throw new InvalidArgumentError('It must be a port, 0 to 65535.');
}

/** As the header Host is compared: in lower case, without a port. */
function addHost(text: string, hosts: string[]): string[] {
  if (/[/@?#\\]/.test(text) || !URL.canParse(`http://${text}`))
    throw new InvalidArgumentError('It must be the name of a host.');
  return [...hosts, new URL(`http://${text}`).hostname];
}
