/** Claims about what direct operations on pmaps do: to the mappings that they name, and to all others nothing. */
import { PAGE_SIZE } from '../../contract/address.ts';
import type { Operation, OperationKind } from '../../contract/operation.ts';
import { KERNEL_PMAP, type MappingSnapshot, NULL_PMAP } from '../../contract/pmap.ts';
import { permits, VM_PROT_EXECUTE, VM_PROT_READ, VM_PROT_WRITE } from '../../contract/protection.ts';
import { type Invariant, statelessWhere } from '../invariant.ts';
import type { View } from '../view.ts';
import { mapChanges } from './pages-changes.ts';
import { hex } from './phrase.ts';

/** One address of one pmap and what is mapped there; undefined: nothing. */
interface Place {
  readonly pmap: string;
  readonly address: number;
  readonly before: MappingSnapshot | undefined;
  readonly after: MappingSnapshot | undefined;
}

/** Kinds that work on mappings and on nothing else that shows. */
const DIRECT: readonly OperationKind[] = [
  'pmap_enter',
  'pmap_kenter',
  'pmap_remove',
  'pmap_protect',
  'pmap_page_protect',
  'pmap_change_wiring',
  'pmap_extract',
  'pmap_is_modified',
  'pmap_is_referenced',
  'pmap_clear_modify',
  'pmap_clear_reference',
  'pmap_reference',
  'pmap_activate',
  'pmap_update',
  'tlb_evict',
];

const pageOf = (address: number): number => address - (address % PAGE_SIZE);

/** Whether an operation is about what is mapped somewhere, whether or not it changed it. */
function concerns(subject: Operation, pmap: string, { address, frame }: MappingSnapshot): boolean {
  if ('frame' in subject) return subject.frame === frame;
  if (subject.kind !== 'pmap_remove' && subject.kind !== 'pmap_protect') return false;
  if (ownerOf(subject) !== pmap) return false;
  return subject.start <= address && address < subject.end;
}

const ownerOf = (operation: Operation): string =>
  'pmap' in operation ? (operation.pmap ?? KERNEL_PMAP) : KERNEL_PMAP;

/** Every address that the operation is about or that changed, in all pmaps. */
function* places(view: View, subject: Operation): Generator<Place> {
  const own = ownerOf(subject);
  const named = 'address' in subject ? [pageOf(subject.address)] : [];
  const touched = new Set(view.touchedMappings);
  const there = new Set([...touched, ...(own === KERNEL_PMAP ? named : [])]);
  for (const mapping of view.mappings.values())
    if (concerns(subject, KERNEL_PMAP, mapping)) there.add(mapping.address);
  for (const address of there) {
    const after = view.mappings.get(address);
    const before = touched.has(address) ? (view.before(`mapping:${address}`) ?? undefined) : after;
    yield { pmap: KERNEL_PMAP, address, before, after };
  }
  const older = view.before('spaces').pmaps;
  for (const { name, mappings } of view.spaces.pmaps) {
    const was = byAddress(older.find((pmap) => pmap.name === name)?.mappings ?? []);
    const is = byAddress(mappings);
    for (const address of new Set([...was.keys(), ...is.keys(), ...(own === name ? named : [])]))
      yield { pmap: name, address, before: was.get(address), after: is.get(address) };
  }
}

const byAddress = (mappings: readonly MappingSnapshot[]): ReadonlyMap<number, MappingSnapshot> =>
  new Map(mappings.map((mapping) => [mapping.address, mapping]));

/** What must be mapped at a place behind the operation; undefined: nothing. `frames`: how many have a page. */
function due(subject: Operation, place: Place, frames: number): Partial<MappingSnapshot> | undefined {
  const { pmap, address, before } = place;
  const isOwn = ownerOf(subject) === pmap;
  switch (subject.kind) {
    case 'pmap_enter':
    case 'pmap_kenter': {
      if (!isOwn || address !== pageOf(subject.address)) return before;
      const protection = subject.kind === 'pmap_enter' ? subject.protection : VM_PROT_READ | VM_PROT_WRITE;
      if (!permits(protection, VM_PROT_READ)) return undefined;
      const { frame } = subject;
      const kept = before?.frame === frame ? before : { accessed: false, dirty: false };
      const wired = subject.kind === 'pmap_enter' ? subject.wired : true;
      return { ...kept, frame, wired, writable: permits(protection, VM_PROT_WRITE) };
    }
    case 'pmap_remove':
      return isOwn && subject.start <= address && address < subject.end ? undefined : before;
    case 'pmap_protect':
      if (!isOwn || address < subject.start || address >= subject.end) return before;
      if (!permits(subject.protection, VM_PROT_READ)) return undefined;
      return permits(subject.protection, VM_PROT_WRITE) ? before : before && { ...before, writable: false };
    case 'pmap_change_wiring': {
      if (before === undefined || !isOwn || address !== pageOf(subject.address)) return before;
      return { ...before, wired: subject.wired, dirty: before.dirty || !subject.wired };
    }
    default:
      return before === undefined ? undefined : dueOfFrame(subject, before, frames);
  }
}

/** The same of operations on all mappings of a frame; none on device frames. */
function dueOfFrame(
  subject: Operation,
  before: MappingSnapshot,
  frames: number,
): MappingSnapshot | undefined {
  if (!('frame' in subject) || subject.frame !== before.frame || before.frame >= frames) return before;
  switch (subject.kind) {
    case 'pmap_page_protect':
      if (permits(subject.protection, VM_PROT_WRITE)) return before;
      return (subject.protection & (VM_PROT_READ | VM_PROT_EXECUTE)) === 0
        ? undefined
        : { ...before, writable: false };
    case 'pmap_clear_modify':
      return { ...before, dirty: false };
    case 'pmap_clear_reference':
      return { ...before, accessed: false };
    default:
      return before;
  }
}

const MARKS = ['frame', 'writable', 'wired', 'accessed', 'dirty'] as const;

function fault({ before, after }: Place, expected: Partial<MappingSnapshot> | undefined): string | null {
  if (expected === undefined || after === undefined) {
    if (expected === undefined && after === undefined) return null;
    const was = before === undefined ? 'not mapped before' : 'mapped before';
    return after === undefined ? `is not mapped (${was})` : `is mapped (${was})`;
  }
  const wrong = MARKS.filter((mark) => expected[mark] !== after[mark]);
  return wrong.length === 0
    ? null
    : wrong.map((mark) => `${mark} is ${after[mark]}, due is ${expected[mark]}`).join(', ');
}

const isDirect = ({ subject, step }: View): boolean =>
  subject !== null &&
  DIRECT.includes(subject.kind) &&
  step !== null &&
  step.outcome.kind !== 'panic' &&
  !('pmap' in subject && subject.pmap === NULL_PMAP);

const effect: Invariant = {
  id: 'INV-PMAP-EFFECT',
  claim:
    'A direct pmap operation changes the mappings that it names as its rule says, in all pmaps that it is about, and no other.',
  source:
    'pmap.c: pmap_enter, pmap_remove, pmap_protect, pmap_page_protect, pmap_changebit; PMAP-ENTER-3 to 4, PMAP-REMOVE-1, PMAP-PROT-1, PMAP-RMALL-1, PMAP-WIRE-1, PMAP-BIT-1',
  scope: 'R',
  cost: 't',
  exemptWhenAliased: false,
  shows: ['outcomes', 'pmap', 'structure'],
  judges: DIRECT,
  watch: statelessWhere(isDirect, function* (view) {
    const { subject, step, machine } = view;
    if (subject === null || step === null) return;
    const refused = step.outcome.kind === 'rejected';
    for (const place of places(view, subject)) {
      const expected = refused ? place.before : due(subject, place, machine.managedPages);
      const found = fault(place, expected);
      if (found !== null) yield `pmap ${place.pmap}, ${hex(place.address)}: ${found}`;
    }
  }),
};

const asksFrame = ({ subject }: View): boolean =>
  subject?.kind === 'pmap_is_modified' || subject?.kind === 'pmap_is_referenced';

const marksTold: Invariant = {
  id: 'INV-PMAP-MARKS',
  claim: 'A frame is told modified or referenced exactly where a mapping of it, in any pmap, is so marked.',
  source: 'pmap.c: pmap_testbit; PMAP-BIT-1',
  scope: 'R',
  cost: 't',
  exemptWhenAliased: false,
  shows: ['outcomes', 'pmap', 'structure'],
  judges: ['pmap_is_modified', 'pmap_is_referenced'],
  watch: statelessWhere(asksFrame, function* ({ subject, step, mappings, spaces, machine }) {
    if (subject?.kind !== 'pmap_is_modified' && subject?.kind !== 'pmap_is_referenced') return;
    if (step?.outcome.kind !== 'flag') return;
    const mark = subject.kind === 'pmap_is_modified' ? 'dirty' : 'accessed';
    const isMarked = (one: MappingSnapshot): boolean => one.frame === subject.frame && one[mark];
    const truth =
      subject.frame < machine.managedPages &&
      ([...mappings.values()].some(isMarked) || spaces.pmaps.some((pmap) => pmap.mappings.some(isMarked)));
    if (step.outcome.value !== truth)
      yield `frame ${subject.frame}: told ${step.outcome.value}, ${mark} is ${truth}`;
  }),
};

const CREATING: readonly OperationKind[] = ['pmap_create', 'pmap_pinit'];
const ENDING: readonly OperationKind[] = ['pmap_destroy', 'pmap_release', 'pmap_reference'];

const isOfLife = ({ subject, step }: View): boolean =>
  subject !== null &&
  (CREATING.includes(subject.kind) || ENDING.includes(subject.kind)) &&
  step !== null &&
  (step.outcome.kind === 'done' || step.outcome.kind === 'none' || step.outcome.kind === 'flag');

/** What is wrong behind an operation that was to make a pmap. */
function creationFault({ subject, step, spaces }: View): string | null {
  if (subject?.kind !== 'pmap_create' && subject?.kind !== 'pmap_pinit') return null;
  const told = step?.outcome.kind === 'done' || (step?.outcome.kind === 'flag' && step.outcome.value);
  const lives = spaces.pmaps.some(({ name }) => name === subject.name);
  return told === lives
    ? null
    : `pmap ${subject.name} is told ${told ? 'made' : 'not made'}, and is ${lives ? '' : 'not '}there`;
}

/** What is wrong behind an operation that may end a pmap. */
function* endFaults(view: View): Generator<string> {
  const { subject, operation, spaces } = view;
  if (subject === null || !('pmap' in subject) || subject.pmap === undefined || operation !== subject) return;
  const before = view.before('spaces').pmaps.find(({ name }) => name === subject.pmap);
  if (before === undefined) return;
  const lives = spaces.pmaps.some(({ name }) => name === subject.pmap);
  const last =
    subject.kind === 'pmap_release' || (subject.kind === 'pmap_destroy' && before.references === 1);
  if (lives === last)
    yield `pmap ${subject.pmap} with ${before.references} references ${lives ? 'lives on' : 'is gone'}`;
  const freed = mapChanges(view).filter(({ map, is }) => map === 'kernel' && is === null);
  if (!lives && freed.length === 0) yield `pmap ${subject.pmap} is gone, and its directory is not freed`;
}

const life: Invariant = {
  id: 'INV-PMAP-LIFE',
  claim:
    'A pmap is there from when its creator is told so to its last reference or pmap_release, and with it goes the page of its directory.',
  source:
    'pmap.c: pmap_create, pmap_pinit, pmap_destroy, pmap_release; PMAP-PINIT-1, PMAP-REF-1, PMAP-REL-1, DEV-28',
  scope: 'R',
  cost: 't',
  // A range that was inserted over the directory, or lost its place, is not what was allocated for it.
  exemptWhenAliased: true,
  shows: ['outcomes', 'maps', 'pmap', 'structure'],
  judges: [...CREATING, ...ENDING],
  watch: statelessWhere(isOfLife, function* (view) {
    const found = creationFault(view);
    if (found !== null) yield found;
    yield* endFaults(view);
  }),
};

/** Operations on pmaps, judged by what they leave; beyond INVARIANTS.md. */
export const pmapEffectInvariants: readonly Invariant[] = [effect, marksTold, life];
