/** The law that cached translations are no part of the state. */
import { address } from '../../contract/address.ts';
import type { Operation } from '../../contract/operation.ts';
import { indexSnapshot } from '../index-snapshot.ts';
import { sameStep, stepDifferences } from '../step-equality.ts';
import type { Law } from './law.ts';
import { stateDifferences, witnesses } from './trial.ts';

const EVERYTHING: Operation = { kind: 'tlb_evict', start: address(0), end: address(0xffff_f000) };

/** With room between the numbers for something else; a resume names its operation by the new number. */
const renumbered = (operation: Operation): Operation =>
  operation.kind === 'resume' ? { kind: 'resume', operation: 2 * operation.operation } : operation;

export const evictionsChangeNothing: Law = {
  id: 'INV-TLB-TRANSPARENT',
  claim: 'A processor that drops its cached translations before every operation computes the same.',
  source: 'SPEC CPU-4, CPU-5',
  check(module, machine, prefix) {
    if (!module.declares.operations.includes('tlb_evict')) return [];
    const comparison = { level: 'bsd', managedPages: machine.managedPages } as const;
    const [plain, forgetful] = [module.boot(machine), module.boot(machine)];
    for (const [i, operation] of prefix.entries()) {
      const number = 2 * (i + 1);
      forgetful.apply(EVERYTHING, number - 1);
      const expected = plain.apply(renumbered(operation), number);
      const actual = forgetful.apply(renumbered(operation), number);
      if (!sameStep(expected, actual, comparison))
        return witnesses(`operation ${i + 1}`, stepDifferences(expected, actual, comparison));
      if (expected.outcome.kind === 'panic') return [];
    }
    const [one, other] = [plain, forgetful].map((kernel) =>
      indexSnapshot(kernel.snapshot({ contents: true })),
    );
    return one === undefined || other === undefined
      ? []
      : witnesses('evicting', stateDifferences(one, other));
  },
};
