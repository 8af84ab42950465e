/** Wrong usage that the parser of the command line lets pass or tells too briefly. */
import type { Command } from 'commander';
import { InputError } from '../contract/input-error.ts';
import { quoted, suggestion } from './nearest.ts';

/** A message as one line. */
export const oneLine = (text: string): string => text.trim().replaceAll(/\s*\n\s*/g, ' ');

/** Refuses an option that is given twice: which of the two was meant cannot be known. */
export function refuseRepetition(command: Command): void {
  for (const option of command.options) {
    let given = false;
    command.on(`option:${option.name()}`, () => {
      if (given) command.error(`error: option '${option.flags}' was given twice; leave one out`);
      given = true;
    });
  }
}

/** `help VERB` for a verb that is not there. */
export function refuseUnknownHelp([first, verb, more]: readonly string[], program: Command): void {
  if (first !== 'help' || verb === undefined) return;
  const names = program.commands.map((command) => command.name());
  if (!names.includes(verb))
    throw new InputError(`help: no verb is called ${quoted(verb)}${suggestion(verb, names)}`);
  if (more !== undefined) throw new InputError(`help: ${quoted(more)} is too much; name one verb`);
}

/** A usage error together with where to look, unless it already says what to write. */
export const withMend = (text: string): string =>
  /unknown|too many|missing/.test(text) && !text.includes('Did you mean')
    ? `${oneLine(text)} (see vmlockstep --help)`
    : text;
