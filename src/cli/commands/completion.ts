import { Argument, type Command } from 'commander';
import type { Io } from '../io.js';

/** Each asks the command itself at every Tab, so that it knows the commands of the version that is installed. */
const SCRIPTS = {
  bash: `_surehook() {
  local IFS=$'\\n'
  COMPREPLY=($(surehook complete -- "\${COMP_WORDS[@]:1:COMP_CWORD}" 2>/dev/null))
}
complete -o default -F _surehook surehook
`,
  zsh: `#compdef surehook
_surehook() {
  local -a found
  found=("\${(@f)$(surehook complete -- "\${(@)words[2,CURRENT]}" 2>/dev/null)}")
  compadd -a found
}
if [ "\${funcstack[1]}" = _surehook ]; then _surehook "$@"; else compdef _surehook surehook; fi
`,
  fish: `complete -c surehook -f -a '(surehook complete -- (commandline -opc)[2..] (commandline -ct) 2>/dev/null)'
`,
};

/** `surehook completion`: what a shell needs to complete the command line. */
export function addCompletion(program: Command, io: Io): void {
  program
    .command('completion')
    .description('Print the completion script of a shell.')
    .addArgument(new Argument('<shell>').choices(Object.keys(SCRIPTS)))
    .addHelpText('after', '\nFor bash: surehook completion bash >> ~/.bashrc')
    .action((shell: keyof typeof SCRIPTS) => void io.stdout.write(SCRIPTS[shell]));

  program
    .command('complete', { hidden: true })
    .argument('[words...]')
    .action((words: string[]) => {
      for (const candidate of candidates(program, words)) io.stdout.write(`${candidate}\n`);
    });
}

/** The words that may stand in the place of the last one. */
export function candidates(program: Command, words: string[]): string[] {
  const last = words.at(-1) ?? '';
  let command = program;
  for (const word of words.slice(0, -1))
    command = command.commands.find((one) => one.name() === word || one.aliases().includes(word)) ?? command;
  const help = command.createHelp();
  const all = last.startsWith('-')
    ? [...help.visibleOptions(command), ...program.options].map(({ long }) => long ?? '')
    : help.visibleCommands(command).map((one) => one.name());
  return [...new Set(all)].filter((word) => word.startsWith(last));
}
