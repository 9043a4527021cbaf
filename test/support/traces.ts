import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Client, Connection } from '@temporalio/client';
import pg from 'pg';
import type { Trace } from './canaries.js';

/** Every row of every table. */
export async function tableTraces(databaseUrl: string): Promise<Trace[]> {
  const client = new pg.Client(databaseUrl);
  await client.connect();
  try {
    const { rows: tables } = await client.query<{ name: string }>(
      `select relname as name from pg_class
       where relnamespace = 'public'::regnamespace and relkind in ('r', 'p') and not relispartition`,
    );
    const traces: Trace[] = [];
    for (const { name } of tables) {
      const { rows } = await client.query<Record<string, unknown>>(`select * from ${name}`);
      traces.push({ place: `table ${name}`, content: rows });
    }
    return traces;
  } finally {
    await client.end();
  }
}

/** The description and the history of every workflow: the bytes of payloads are texts in JSON. */
export async function workflowTraces(address: string): Promise<Trace[]> {
  const connection = await Connection.connect({ address });
  try {
    const { workflow } = new Client({ connection });
    const traces: Trace[] = [];
    for await (const { workflowId, runId, type } of workflow.list()) {
      const handle = workflow.getHandle(workflowId, runId);
      const [{ raw }, history] = await Promise.all([handle.describe(), handle.fetchHistory()]);
      traces.push({ place: `workflow ${type}`, content: [workflowId, raw, history] });
    }
    return traces;
  } finally {
    await connection.close();
  }
}

/** Every file below a folder, with its bytes. */
export async function fileTraces(place: string, dir: string): Promise<Trace[]> {
  const entries = await readdir(dir, { recursive: true, withFileTypes: true });
  const files = entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
  return Promise.all(files.map(async (file) => ({ place, content: await readFile(file) })));
}
