/** Faults of merging: neighbours that differ in one thing alone are taken for alike. */
import type { FaultPatch } from './patch.ts';

const VM_MAP = 'impl/vm-map.ts';

/** The kernel forgets one of the comparisons of vm_map_simplify. */
const blindTo = (
  name: string,
  what: string,
  find: string,
  caughtBy = ['INV-MAP-CLIPNEUTRAL', 'INV-PMAP-RIGHTS', 'INV-PAGE-WIRERANGE'],
): FaultPatch => ({
  name,
  source: `MAP-SIMPL-1: vm_map_simplify merges entries that differ in ${what}`,
  file: VM_MAP,
  find,
  replace: '',
  caughtBy,
});

/** Faults of merging. */
export const FAULTY_MERGES: readonly FaultPatch[] = [
  blindTo(
    'simplify-ignores-maximum',
    'their maximum alone: rights that were withheld for good come back',
    '    previous.maxProtection === entry.maxProtection &&\n',
    ['INV-MAP-MAXMONO', 'INV-MAP-CLIPNEUTRAL'],
  ),
  blindTo(
    'simplify-ignores-protection',
    'their rights alone',
    '    previous.protection === entry.protection &&\n',
  ),
  blindTo(
    'simplify-ignores-inheritance',
    'their inheritance alone',
    '    previous.inheritance === entry.inheritance &&\n',
  ),
  blindTo('simplify-ignores-object', 'their object alone', '    previous.object === entry.object &&\n'),
  {
    ...blindTo(
      'simplify-into-submap',
      'the submap of the first alone',
      '    previous.submap === null &&\n    entry.submap === null &&\n',
    ),
    replace: '    entry.submap === null &&\n',
  },
  blindTo('simplify-swallows-submap', 'the submap of the second alone', '    entry.submap === null &&\n'),
  {
    name: 'simplify-ignores-offset',
    source:
      'MAP-SIMPL-1: vm_map_simplify merges entries of one object whose offsets do not follow each other',
    file: VM_MAP,
    find: '    advanceOffset(previous.offset, byteDistance(previous.start, previous.end)) === entry.offset\n',
    replace: '    true\n',
    caughtBy: ['INV-MAP-CLIPNEUTRAL'],
  },
  {
    name: 'coalesce-across-inheritance',
    source:
      'MAP-INSERT-5: an insertion extends a predecessor that differs from fresh memory in its inheritance',
    file: VM_MAP,
    find: '    previous.inheritance === VM_INHERIT_COPY &&\n',
    replace: '',
    caughtBy: [],
  },
];
