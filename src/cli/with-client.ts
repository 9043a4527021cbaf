import type { Command } from 'commander';
import { connect, type Connected } from './connect.js';
import type { Io } from './io.js';

/** The action of a command that talks to the server: gets the connection, then the arguments and the options. */
export const withClient =
  <Given extends unknown[]>(io: Io, run: (connected: Connected, ...given: Given) => Promise<void>) =>
  async (...given: [...Given, Command]): Promise<void> => {
    const command = given.at(-1) as Command;
    await run(await connect(io, command), ...(given.slice(0, -1) as Given));
  };
