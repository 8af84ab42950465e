/** The law that nothing is lost: freeing everything brings the machine back to what it was at boot. */
import type { MachineConfig } from '../../contract/machine.ts';
import type { StateView } from '../view.ts';
import { hex } from '../wording.ts';
import type { Law } from './law.ts';
import { Trial } from './trial.ts';

export const freeAllReturnsToBoot: Law = {
  id: 'INV-ACC-FREEALL',
  claim:
    'Freeing every allocation returns pools, references, statistics and free pages to their values at boot.',
  source: 'KM-FREE-2, MAP-DEL-2, OBJ-3, OBJ-7, PAGE-FREE-1',
  check(module, machine, prefix) {
    const boot = new Trial(module, machine, []).look();
    const trial = new Trial(module, machine, prefix);
    if (trial.stopped || !isQuiet(trial.look()) || !hasIntactBootEntry(trial.look(), machine)) return [];
    freeEverything(trial);
    if (trial.stopped) return ['freeing everything panicked'];
    return leftovers(boot, trial.look(), machine);
  },
};

const isQuiet = ({ sched }: StateView): boolean => sched.asleep.length === 0 && sched.runnable.length === 0;

/** The boot entry as boot made it, but for what it may have grown and an object it may have got. */
function hasIntactBootEntry(state: StateView, { kernelMin, kernelStart }: MachineConfig): boolean {
  if (kernelMin === kernelStart) return true;
  const [first] = state.maps.get('kernel')?.entries ?? [];
  return (
    first !== undefined && first.start === kernelMin && first.end >= kernelStart && first.wiredCount === 0
  );
}

/** Submaps first, from the inside out: as many rounds as there are maps reach any depth. */
function freeEverything(trial: Trial): void {
  const { kernelStart, kernelMax, scratchWindow } = trial.machine;
  const submaps = [...trial.look().maps.values()].filter(({ name }) => name !== 'kernel');
  for (const _ of submaps)
    for (const { name: map, min, max } of submaps)
      trial.apply({ kind: 'vm_map_remove', map, start: min, end: max });
  trial.apply({ kind: 'vm_map_remove', map: 'kernel', start: kernelStart, end: kernelMax });
  if (scratchWindow !== null) trial.apply({ kind: 'pmap_remove', ...scratchWindow });
}

function leftovers(boot: StateView, state: StateView, machine: MachineConfig): string[] {
  const found: string[] = [];
  const expectSame = (what: string, expected: number | null, actual: number | null) => {
    if (expected !== actual) found.push(`${what}: ${expected} at boot, now ${actual}`);
  };
  for (const { name, entries } of state.maps.values())
    for (const { start, end } of entries)
      if (name !== 'kernel' || end > machine.kernelStart)
        found.push(`${name} still has ${hex(start)}-${hex(end)}`);
  const bootEntries = machine.kernelStart > machine.kernelMin ? 1 : 0;
  const { mapEntries } = machine;
  expectSame(
    'free map entries',
    mapEntries === null ? null : mapEntries - bootEntries,
    state.pools.freeEntries,
  );
  expectSame('kernel_object references', baseReferences(boot), references(state, 'kernel'));
  expectSame('kmem_object references', 1, references(state, 'kmem'));
  expectSame('v_wire', boot.counters.wired, state.counters.wired);
  expectSame('wired mappings', 0, state.pmap.wired);
  for (const at of state.mappings.keys())
    if (at < machine.kernelMin || at >= machine.kernelStart) found.push(`${hex(at)} is still mapped`);
  expectSame('free pages', boot.counters.free, state.counters.free + pagesUnderBootEntry(state));
  return found;
}

const references = (state: StateView, object: string): number => state.objects.get(object)?.references ?? 0;

/** References of kernel_object at boot that no entry holds: its own, and leaked ones. */
function baseReferences(boot: StateView): number {
  const named = (boot.maps.get('kernel')?.entries ?? []).filter(
    ({ backing }) => backing !== null && 'object' in backing && backing.object === 'kernel',
  );
  return references(boot, 'kernel') - named.length;
}

/** Pages that the boot entry's anonymous object keeps, also of ranges it has given up. */
function pagesUnderBootEntry(state: StateView): number {
  const backing = state.maps.get('kernel')?.entries[0]?.backing ?? null;
  if (backing === null || !('object' in backing)) return 0;
  return state.objects.get(backing.object)?.pages.length ?? 0;
}
