/** Claims that mappings allow no more than the entries over them. */
import { permits, VM_PROT_READ, VM_PROT_WRITE } from '../../contract/protection.ts';
import { type Invariant, statelessWhere } from '../invariant.ts';
import type { View } from '../view.ts';
import { changedMaps, type MapPiece, mapChanges } from './pages-changes.ts';
import { inScratchWindow, isPermitted, isPlaceholder, leavesAt, pageAddresses } from './pages-lookup.ts';
import { hex } from './phrase.ts';

/** Mapped addresses whose rights the step may have changed: touched ones, and those under entries whose protection changed. */
function rejudgedAddresses(view: View): readonly number[] {
  const lowered = mapChanges(view).filter(lowersRights);
  if (lowered.length === 0) return view.touchedMappings;
  const addresses = [...view.touchedMappings];
  for (const { start, end } of lowered)
    for (const va of pageAddresses(start, end)) if (view.mappings.has(va)) addresses.push(va);
  return addresses;
}

const lowersRights = ({ was, is }: MapPiece): boolean =>
  is !== null &&
  !isPlaceholder(is) &&
  was?.protection !== is.protection &&
  !permits(is.protection, VM_PROT_READ | VM_PROT_WRITE);

const changedRights = (view: View): boolean => view.touchedMappings.length > 0 || changedMaps(view);

const rights: Invariant = {
  id: 'INV-PMAP-RIGHTS',
  claim: 'A mapping is writable only where its entry permits writing.',
  source: 'pmap.c: pmap_enter, pmap_protect; MAP-PROT-4, PMAP-PROT-1, DEV-19',
  scope: 'A',
  cost: 't',
  exemptWhenAliased: true,
  shows: ['maps', 'pmap'],
  looksAt: ['mapping', 'map'],
  watch: statelessWhere(changedRights, (view) => {
    let wrong = NOTHING;
    for (const va of rejudgedAddresses(view)) {
      if (!view.mappings.get(va)?.writable || inScratchWindow(view.machine, va)) continue;
      const [leaf] = leavesAt(view, va);
      if (leaf !== undefined && (!permits(leaf.entry.protection, VM_PROT_WRITE) || leaf.entry.needsCopy))
        wrong = [
          ...wrong,
          `${hex(va)} is writable, its entry in map ${leaf.map.name} has protection ${leaf.entry.protection}`,
        ];
    }
    return wrong;
  }),
};

const NOTHING: readonly string[] = [];

const noRead: Invariant = {
  id: 'INV-PMAP-NONE',
  claim: 'Nothing is mapped under an entry that does not permit reading.',
  source: 'pmap.c: pmap_enter, pmap_protect; PMAP-ENTER-2, PMAP-PROT-1, DEV-18, DEV-19',
  scope: 'R',
  cost: 't',
  exemptWhenAliased: false,
  shows: ['maps', 'pmap'],
  looksAt: ['mapping', 'map'],
  watch: statelessWhere(changedRights, (view) => {
    let wrong = NOTHING;
    for (const va of rejudgedAddresses(view)) {
      // A detached submap may have an entry of its own at the same address.
      if (!view.mappings.has(va) || inScratchWindow(view.machine, va) || isPermitted(view, va, VM_PROT_READ))
        continue;
      const [first] = leavesAt(view, va);
      wrong = [
        ...wrong,
        `${hex(va)} is mapped, its entry in map ${first?.map.name} has protection ${first?.entry.protection}`,
      ];
    }
    return wrong;
  }),
};

/** What rights mappings give. */
export const pmapRightsInvariants: readonly Invariant[] = [rights, noRead];
