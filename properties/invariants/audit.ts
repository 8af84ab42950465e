/** Representation invariants: claims about indexes, hints and links that only a kernel's own audit can see. */
import { type Invariant, stateless } from '../invariant.ts';

/** An invariant that holds as long as the audit has no finding under its ID. */
function audited(id: string, claim: string, source: string): Invariant {
  return {
    id,
    claim,
    source,
    scope: 'A',
    cost: 'F',
    exemptWhenAliased: false,
    shows: [],
    looksInside: true,
    watch: stateless(function* (view) {
      for (const { invariant, witness } of view.audit()) if (invariant === id) yield witness;
    }),
  };
}

const byAuditOnly: readonly Invariant[] = [
  audited(
    'INV-MAP-INDEX',
    'Every index over the entries or the gaps of a map describes exactly the entries of the list.',
    'vm_map.c: vm_map_lookup_entry, vm_map_findspace; DC-10',
  ),
  audited(
    'INV-MAP-HINT',
    'The look-up hint and first_free of a map name an entry of that map or its header.',
    'vm_map.h: SAVE_HINT; vm_map.c: first_free; DC-10',
  ),
  audited(
    'INV-MAP-FREEHINT',
    'No free address lies below the place where a remembered search begins.',
    'vm_map.c: vm_map_findspace, first_free; MAP-SPACE-1, DEV-2',
  ),
  audited(
    'INV-PMAP-SELFMAP',
    'The processor reads through the recursive window what the page tables of the current pmap hold.',
    'pmap.h: vtopte, PTmap, PTD; PMAP-REC-1',
  ),
];

/** IDs whose invariants read the audit themselves, here or beside claims that a snapshot can judge. */
const CLAIMED: ReadonlySet<string> = new Set([
  ...byAuditOnly.map(({ id }) => id),
  'INV-MAP-LOOKUP',
  'INV-OBJ-RESIDENT',
  'INV-PAGE-FAKE',
]);

const remaining: Invariant = {
  id: 'INV-AUDIT',
  claim: "The kernel's own audit finds nothing wrong, and every cell that changed was announced.",
  source: 'KernelMemory.audit, KernelMemory.touched',
  scope: 'A',
  cost: 'F',
  exemptWhenAliased: false,
  shows: [],
  looksInside: true,
  watch: stateless(function* (view) {
    for (const { invariant, witness } of view.audit())
      if (!CLAIMED.has(invariant)) yield invariant === 'INV-AUDIT' ? witness : `${invariant}: ${witness}`;
  }),
};

/** Claims that rest on the audit alone. */
export const auditInvariants: readonly Invariant[] = [...byAuditOnly, remaining];
