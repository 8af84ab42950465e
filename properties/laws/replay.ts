/** The law that a kernel has no hidden source of choice. */

import { sameStep, stepDifferences } from '../step-equality.ts';
import type { Law } from './law.ts';
import { stateDifferences, Trial, witnesses } from './trial.ts';

export const replayIsEqual: Law = {
  id: 'INV-SCHED-REPLAY',
  claim: 'Two machines given the same operations answer the same and end in the same state.',
  source: 'SCHED-1, CONV-7',
  check(module, machine, prefix) {
    const comparison = { level: 'bsd', managedPages: machine.managedPages } as const;
    const [one, other] = [module.boot(machine), module.boot(machine)];
    for (const [i, operation] of prefix.entries()) {
      const [first, second] = [one.apply(operation, i + 1), other.apply(operation, i + 1)];
      if (!sameStep(first, second, comparison))
        return witnesses(`operation ${i + 1}`, stepDifferences(first, second, comparison));
      if (first.outcome.kind === 'panic') return [];
    }
    const [trial, twin] = [new Trial(module, machine, prefix), new Trial(module, machine, prefix)];
    return witnesses('replay', stateDifferences(trial.look(), twin.look()));
  },
};
