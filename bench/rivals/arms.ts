/** All rivals, in the order in which they are shown. */
import type { Arm } from './arm.ts';
import { commandsArm } from './commands-arm.ts';
import { expertCommands } from './expert.ts';
import { naiveCommands } from './naive.ts';
import { OURS, OURS_WITHOUT } from './ours.ts';

/** `fc.commands` as it comes. */
const DEFAULTS = commandsArm(
  { name: 'naive', claim: 'fc.commands at its defaults, plain arguments', aside: true },
  naiveCommands,
  {},
);

const LONG = commandsArm(
  { name: 'naive-long', claim: 'the same with up to 100 commands, size max', aside: true },
  naiveCommands,
  { maxCommands: 100, size: 'max' },
);

const EXPERT = commandsArm(
  { name: 'expert', claim: 'fc.commands with late arguments, preconditions, bounds, weights', aside: false },
  expertCommands,
  { maxCommands: 150, size: 'max' },
);

/** All of them; those that are ours with something left out come last. */
export const ARMS: readonly Arm[] = [DEFAULTS, LONG, EXPERT, OURS, ...OURS_WITHOUT];

/** The two whose ratio is the verdict. */
export const RIVALS = { expert: EXPERT.name, ours: OURS.name } as const;
