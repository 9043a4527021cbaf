import type { McpServer } from '@modelcontextprotocol/sdk/server/mcp.js';
import type { ToolAnnotations } from '@modelcontextprotocol/sdk/types.js';
import { z } from 'zod';
import type { SurehookClient } from '../client/index.js';
import { toolError } from './tool-error.js';

interface Definition<In extends z.ZodRawShape, Out extends z.ZodRawShape> {
  title: string;
  description: string;
  input: In;
  output: Out;
  /** Answers data for programs, and the same in few lines. */
  run(
    client: SurehookClient,
    input: z.output<z.ZodObject<In>>,
    options: { signal: AbortSignal },
  ): Promise<{ text: string | string[]; data: z.output<z.ZodObject<Out>> }>;
}

/** Adds a tool to a server, which acts with the API key of this client. */
export type AddTool = (server: McpServer, client: SurehookClient) => void;

/** A tool that changes nothing: clients may call it without asking anybody. */
export const readTool = <In extends z.ZodRawShape, Out extends z.ZodRawShape>(
  name: `read_${string}`,
  definition: Definition<In, Out>,
): AddTool => tool(name, { readOnlyHint: true }, definition);

/** A tool that changes something. `destructive`: more than can be taken back. */
export const writeTool = <In extends z.ZodRawShape, Out extends z.ZodRawShape>(
  name: `write_${string}`,
  { destructive, idempotent }: { destructive: boolean; idempotent: boolean },
  definition: Definition<In, Out>,
): AddTool =>
  tool(name, { readOnlyHint: false, destructiveHint: destructive, idempotentHint: idempotent }, definition);

function tool<In extends z.ZodRawShape, Out extends z.ZodRawShape>(
  name: string,
  hints: ToolAnnotations,
  { title, description, input, output, run }: Definition<In, Out>,
): AddTool {
  const annotations = { title, openWorldHint: false, ...hints };
  // Strict: a misspelt field must not widen what a tool acts on.
  const inputSchema: z.ZodObject = z.strictObject(input);
  const outputSchema: z.ZodObject = z.object(output);
  return (server, client) =>
    server.registerTool(
      name,
      { title, description, annotations, inputSchema, outputSchema },
      async (given, { signal }) => {
        try {
          const { text, data } = await run(client, given as z.output<z.ZodObject<In>>, { signal });
          return { content: [{ type: 'text', text: [text].flat().join('\n') }], structuredContent: data };
        } catch (error) {
          return toolError(error);
        }
      },
    );
}
