/** What the package's types promise, compiled as a user compiles: strict, NodeNext, verbatimModuleSyntax, no skipLibCheck. */
import fc from 'fast-check';
import {
  ALL_INVARIANTS,
  type ExpectLockstepOptions,
  expectLockstep,
  type FailureDetails,
  failureDetails,
  failureText,
  type Invariant,
  invariantById,
  judgeScenario,
  type KernelModule,
  LockstepFailure,
  type LockstepReport,
  type LockstepSummary,
  type optimizedKernel,
  referenceKernel,
  type Scenario,
  scenarios,
  type View,
} from 'vmlockstep';
import { address, type KernelMemory, none, type Operation, type Step } from 'vmlockstep/contract';

/** True for `any` alone: everything else is no supertype of both 0 and 1. */
type IsAny<T> = 0 extends 1 & T ? true : false;
const never = <T>(_: IsAny<T> extends false ? 'typed' : never): void => undefined;

never<ExpectLockstepOptions>('typed');
never<ExpectLockstepOptions['workload']>('typed');
never<ExpectLockstepOptions['invariants']>('typed');
never<ReturnType<typeof expectLockstep>>('typed');
never<Parameters<typeof expectLockstep>[0]>('typed');
never<FailureDetails['report']['failure']>('typed');
never<Scenario['machine']>('typed');
never<Operation['kind']>('typed');
never<Step['outcome']>('typed');
never<View['maps']>('typed');
never<typeof optimizedKernel.declares>('typed');
never<typeof scenarios>('typed');
// @ts-expect-error -- the check itself: what is any is told
never<ReturnType<typeof JSON.parse>>('typed');

class Mine implements KernelMemory {
  apply(operation: Operation): Step {
    return { outcome: operation.kind === 'kmem_alloc_pageable' && operation.size === 0 ? none : none };
  }
}

export const mine: KernelModule = {
  declares: { name: 'mine', operations: ['kmem_alloc_pageable'], shows: ['outcomes'], placement: 'any' },
  boot: () => new Mine(),
};

export function use(): LockstepSummary | FailureDetails | null {
  try {
    // @ts-expect-error -- an option that there is not
    expectLockstep(mine, { rnus: 3 });
    // @ts-expect-error -- a workload that there is not
    expectLockstep(mine, { workload: 'everything' });
    // @ts-expect-error -- an operation that there is not
    expectLockstep({ ...mine, declares: { ...mine.declares, operations: ['malloc'] } });
    const claims: readonly Invariant[] = [
      ...ALL_INVARIANTS.slice(0, 3),
      invariantById('INV-MAP-ORDER'),
    ].flatMap((claim) => claim ?? []);
    return expectLockstep(() => mine, {
      runs: 10,
      seed: address(7),
      invariants: claims,
      out: null,
      corpus: null,
    });
  } catch (error) {
    return error instanceof LockstepFailure ? failureDetails(error) : null;
  }
}

/** The example at the top of the package's entry. */
export const parts = (): void =>
  fc.assert(
    fc.property(scenarios({ reference: referenceKernel, declares: mine.declares }), (scenario) => {
      const report: LockstepReport = judgeScenario(scenario, {
        reference: referenceKernel,
        candidate: mine,
        compare: true,
        invariants: ALL_INVARIANTS,
        fullEvery: 64,
      });
      if (report.failure !== null) throw new Error(failureText(report));
    }),
  );
