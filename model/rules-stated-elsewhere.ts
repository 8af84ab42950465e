/** Rules of the stages realized so far that no single line of the model states, and where they are kept instead. */
import type { RuleId } from '../contract/rules.ts';

/** Rule → the place or the reason. A rule is either here or cited exactly once in model/, never both. */
export const RULES_STATED_ELSEWHERE: Partial<Record<RuleId, string>> = {
  'CONV-1': 'contract/address.ts: the only arithmetic that wraps',
  'CONV-2': 'contract/address.ts: truncPage, roundPage',
  'CONV-3': 'every range of the contract: `end` is exclusive',
  'CONV-5': 'an invariant (INV-MAP-FAILPURE): checks come before changes in every function',
  'CONV-6': 'the order of the statements of every function',
  'CONV-7': 'the order of entries, of an object’s pages and of queues.free',
  'BOOT-4': 'page tables belong to the optimized implementation; the model has a flat table',
  'BOOT-7': 'the boot entry has no mark that would single it out',
  'SCHED-3': 'contract/sched.ts: SleepEvent',
  'SCHED-6': 'vmPageFree wakes nobody',
  'SCHED-7': 'the scenario may end with everybody asleep',
  'PAGE-INS-1': 'a frame on FREE has no page record, so none can be inserted twice',
  'MAP-PAGE-6': 'wirePages has no failure to answer',
  'MAP-PAGE-7': 'an invariant (INV-WIRE-RESIDENT); a second wirer waits in `admit`',
  'FAULT-5': 'no reference is held where a fault sleeps, and references are counted from entries',
  'FAULT-8': 'every map is on the kernel pmap, whose page tables are never missing',
  'FAULT-10': 'an invariant (INV-PMAP-ADKEEP); pmapEnter keeps what the processor noted',
  'KM-ALLOC-5': 'an invariant (INV-PAGE-ZERO)',
  'KM-FREE-2': 'an invariant (INV-ACC-UNMAPPED); deleteEntry brings it about',
  'KM-FREE-3': 'kmemFree wakes nobody; kmemFreeWakeup does',
  'KM-FREE-4': 'deleteRange takes any range',
  'KM-MALLOC-7': 'simplify compares entries and never looks at pages',
  'KM-WAIT-2': 'the loop of kmemAllocWait has no other way out',
  'KM-INIT-1': 'bootState calls kmemInit, nothing else does',
  'PMAP-REC-1': 'an access into the recursive window is refused in cpu.ts: there are no words to read',
  'PMAP-ALT-1': 'the flat tables of all pmaps are reached alike, without slot 1023',
  'PMAP-KSYNC-1': 'the kernel’s mappings are kept once and serve every pmap',
  'CPU-5': 'there is no TLB that could hold a stale entry',
};
