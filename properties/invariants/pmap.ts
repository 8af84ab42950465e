/** Claims about what is mapped: only what maps allow, only resident pages, and counted. */
import { PAGE_SIZE, PDE_SPAN } from '../../contract/address.ts';
import { kernelSlots } from '../../contract/machine.ts';
import { KERNEL_PMAP } from '../../contract/pmap.ts';
import type { MapName } from '../../contract/vm-map.ts';
import { type Invariant, stateless, statelessWhere } from '../invariant.ts';
import type { View } from '../view.ts';
import { inScratchWindow, leavesAt, objectOf, pageAt } from './pages-lookup.ts';
import { hex } from './phrase.ts';
import { pmapRightsInvariants } from './pmap-rights.ts';
import { pageTableInvariants } from './pmap-tables.ts';
import { userPmapInvariants } from './pmap-user.ts';

const pmapOf = (operation: object): string =>
  'pmap' in operation && typeof operation.pmap === 'string' ? operation.pmap : KERNEL_PMAP;

const frame: Invariant = {
  id: 'INV-PMAP-FRAME',
  claim: 'A mapping names a resident managed page, or a device frame that was entered there explicitly.',
  source: 'pmap.c: pmap_enter, pmap_remove_all; vm_page.c: vm_page_free; PAGE-FREE-1, OBJ-5, DEV-5, DEV-33',
  scope: 'A',
  cost: 'F',
  exemptWhenAliased: false,
  shows: ['objects', 'pages', 'pmap'],
  judges: ['pmap_enter', 'pmap_kenter'],
  watch: () => {
    const enteredDevices = new Set<number>();
    return {
      observe({ subject, step, machine }) {
        if (subject?.kind !== 'pmap_enter' && subject?.kind !== 'pmap_kenter') return;
        if (pmapOf(subject) !== KERNEL_PMAP) return;
        if (step?.outcome.kind === 'done' && subject.frame >= machine.managedPages)
          enteredDevices.add(subject.address - (subject.address % PAGE_SIZE));
      },
      *violations({ machine, objects, mappings }) {
        const residents = new Set<number>();
        for (const { pages } of objects.values()) for (const page of pages) residents.add(page.frame);
        for (const { address, frame } of mappings.values()) {
          if (frame < machine.managedPages ? residents.has(frame) : enteredDevices.has(address)) continue;
          yield `${hex(address)} maps ${frame < machine.managedPages ? `frame ${frame}, which no object owns` : `device frame ${frame}, never entered there`}`;
        }
      },
    };
  },
};

const agree: Invariant = {
  id: 'INV-PMAP-AGREE',
  claim: 'A mapping under an entry leads to the page that the entry’s object holds at that offset.',
  source: 'vm_fault.c: vm_fault; vm_kern.c: kmem_malloc; FAULT-9, MAP-DEL-2, DEV-12',
  scope: 'A',
  cost: 'F',
  exemptWhenAliased: true,
  shows: ['maps', 'objects', 'pages', 'pmap'],
  watch: stateless(function* (view) {
    for (const { address, frame } of view.mappings.values()) {
      if (inScratchWindow(view.machine, address)) continue;
      const leaves = leavesAt(view, address);
      if (leaves.length === 0 || leaves.some(({ entry }) => pageAt(view, entry, address)?.frame === frame))
        continue;
      for (const { map, entry } of leaves)
        yield `${hex(address)} maps frame ${frame}; map ${map.name} has ${heldBy(view, entry, address)} there`;
    }
  }),
};

function heldBy(view: View, entry: Parameters<typeof objectOf>[0], va: number): string {
  const object = objectOf(entry);
  if (object === undefined) return 'a null object';
  const page = pageAt(view, entry, va);
  return page === undefined ? `no page of ${object}` : `frame ${page.frame} of ${object}`;
}

const covered: Invariant = {
  id: 'INV-PMAP-COVERED',
  claim: 'Nothing is mapped outside allocated ranges.',
  source: 'vm_map.c: vm_map_delete; MAP-DEL-2, KM-FREE-2, DEV-5, DEV-8, DEV-33',
  scope: 'R',
  cost: 'F',
  exemptWhenAliased: false,
  shows: ['maps', 'pmap'],
  watch: stateless(function* (view) {
    for (const { address, frame } of view.mappings.values())
      if (!inScratchWindow(view.machine, address) && leavesAt(view, address).length === 0)
        yield `${hex(address)} maps frame ${frame} but is not allocated`;
  }),
};

const pvLists: Invariant = {
  id: 'INV-PMAP-PV',
  claim: 'The pv list of a managed frame names exactly the addresses that map it, each once.',
  source: 'pmap.c: pmap_enter, pmap_remove_entry; PMAP-ENTER-5, PMAP-KENTER-1, DEV-5, DEV-25',
  scope: 'A',
  cost: 'F',
  exemptWhenAliased: false,
  shows: ['pmap', 'structure'],
  looksInside: true,
  watch: stateless(function* (view) {
    yield* userRecordFaults(view);
    const { machine, mappings, pv } = view;
    for (const { address, frame } of mappings.values()) {
      const times = pv.get(frame)?.filter((listed) => listed === address).length ?? 0;
      const expected = frame < machine.managedPages ? 1 : 0;
      if (times !== expected)
        yield `${hex(address)} maps frame ${frame} and stands ${times} times on its pv list`;
    }
    for (const [frame, addresses] of pv)
      for (const address of addresses)
        if (mappings.get(address)?.frame !== frame)
          yield `the pv list of frame ${frame} names ${hex(address)}, which does not map it`;
  }),
};

/** Reverse records of user pmaps against their mappings. */
function* userRecordFaults(view: View): Generator<string> {
  const tables = view.spaces.pmaps.length === 0 ? null : view.pageTables();
  for (const { name, mappings } of tables === null ? [] : view.spaces.pmaps) {
    const managed = mappings.filter(({ frame }) => frame < view.machine.managedPages);
    const listed = tables?.spaces.find(({ pmap }) => pmap === name)?.records ?? [];
    const words = (records: readonly { address: number; frame: number }[]): Set<string> =>
      new Set(records.map(({ address, frame }) => `frame ${frame} at ${hex(address)}`));
    const [mapped, recorded] = [words(managed), words(listed)];
    for (const one of mapped) if (!recorded.has(one)) yield `pmap ${name}: ${one} is mapped and not recorded`;
    for (const one of recorded) if (!mapped.has(one)) yield `pmap ${name}: ${one} is recorded and not mapped`;
    if (recorded.size < listed.length) yield `pmap ${name}: a mapping is recorded twice`;
  }
}

const statistics: Invariant = {
  id: 'INV-PMAP-STATS',
  claim: 'The counters of pm_stats are the number of mappings and of wired ones among them.',
  source: 'pmap.c: pmap_enter, pmap_remove, pmap_change_wiring; PMAP-ENTER-5, PMAP-KENTER-1, DC-5, DEV-7',
  scope: 'A',
  cost: '1',
  exemptWhenAliased: false,
  shows: ['pmap', 'structure'],
  looksAt: ['mapping', 'pmap', 'spaces'],
  watch: () => {
    let wired: number | undefined;
    return {
      observe(view) {
        wired = wired === undefined ? countWired(view) : wired + wiredSince(view);
      },
      *violations({ pmap, mappings, spaces }) {
        if (pmap.resident !== mappings.size || pmap.wired !== wired)
          yield `resident is ${pmap.resident} of ${mappings.size} mappings, wired ${pmap.wired} of ${wired}`;
        for (const one of spaces.pmaps) {
          const marked = one.mappings.filter((mapping) => mapping.wired).length;
          if (one.resident !== one.mappings.length || one.wired !== marked)
            yield `pmap ${one.name}: resident is ${one.resident} of ${one.mappings.length} mappings, wired ${one.wired} of ${marked}`;
        }
      },
    };
  },
};

function countWired({ mappings }: View): number {
  let wired = 0;
  for (const mapping of mappings.values()) if (mapping.wired) wired += 1;
  return wired;
}

/** Wired mappings gained in the last step; negative when lost. */
function wiredSince(view: View): number {
  let gained = 0;
  for (const va of view.touchedMappings)
    gained +=
      Number(view.mappings.get(va)?.wired ?? false) - Number(view.before(`mapping:${va}`)?.wired ?? false);
  return gained;
}

const statisticsSane: Invariant = {
  id: 'INV-PMAP-STATSNN',
  claim: 'No pm_stats counter is negative, and no more mappings are wired than exist.',
  source: 'pmap.c: pmap_change_wiring; DEV-7, DEV-21',
  scope: 'A',
  cost: '1',
  exemptWhenAliased: false,
  shows: ['pmap', 'structure'],
  looksAt: ['pmap', 'spaces'],
  watch: stateless(function* ({ pmap, spaces }) {
    for (const { resident, wired } of [pmap, ...spaces.pmaps])
      if (resident < 0 || wired < 0 || wired > resident) yield `resident ${resident}, wired ${wired}`;
  }),
};

const count: Invariant = {
  id: 'INV-PMAP-COUNT',
  claim:
    'The kernel pmap is referenced once by itself, once by every map but kernel, and as often as callers took and kept a reference; a user pmap once by its creator and as often.',
  source:
    'vm_kern.c: kmem_suballoc; pmap.c: pmap_reference, pmap_destroy; PMAP-REF-1, KM-SUB-2, MAP-CREATE-2',
  scope: 'A',
  cost: '1',
  exemptWhenAliased: false,
  shows: ['maps', 'pmap', 'structure'],
  looksAt: ['map', 'pmap', 'spaces'],
  watch: () => {
    /** References that callers hold, by pmap. */
    const held = new Map<string, number>();
    return {
      observe({ subject, step }) {
        if (step?.outcome.kind === 'rejected' || step?.outcome.kind === 'sleep') return;
        if (subject?.kind === 'pmap_create' || subject?.kind === 'pmap_pinit') held.set(subject.name, 0);
        else if (subject?.kind === 'pmap_reference')
          held.set(subject.pmap, (held.get(subject.pmap) ?? 0) + 1);
        else if (subject?.kind === 'pmap_destroy') held.set(subject.pmap, (held.get(subject.pmap) ?? 0) - 1);
      },
      *violations({ pmap, maps, spaces }) {
        const expected = (maps.has('kernel') ? maps.size : maps.size + 1) + (held.get(KERNEL_PMAP) ?? 0);
        if (pmap.references !== expected) yield `pm_count is ${pmap.references} with ${maps.size} maps`;
        for (const { name, references } of spaces.pmaps)
          if (references !== 1 + (held.get(name) ?? 0))
            yield `pmap ${name}: pm_count is ${references}, callers hold ${1 + (held.get(name) ?? 0)}`;
      },
    };
  },
};

const isExtraction = ({ subject }: View): boolean => subject?.kind === 'pmap_extract';

const extract: Invariant = {
  id: 'INV-PMAP-EXTRACT',
  claim: 'A pmap_extract finds a frame exactly where something is mapped, namely that frame.',
  source: 'pmap.c: pmap_extract; PMAP-EXTR-1, DEV-20',
  scope: 'R',
  cost: 't',
  exemptWhenAliased: false,
  shows: ['outcomes', 'pmap'],
  judges: ['pmap_extract'],
  watch: statelessWhere(isExtraction, function* ({ subject, step, mappings, spaces }) {
    if (subject?.kind !== 'pmap_extract' || step === null || step.outcome.kind === 'rejected') return;
    const inside = subject.address % PAGE_SIZE;
    const name = pmapOf(subject);
    const own = spaces.pmaps.find((pmap) => pmap.name === name)?.mappings ?? [];
    const page = subject.address - inside;
    const mapping = name === KERNEL_PMAP ? mappings.get(page) : own.find(({ address }) => address === page);
    const { outcome } = step;
    const truth = mapping === undefined ? 'nothing' : `frame ${mapping.frame} offset ${inside}`;
    const answer = outcome.kind === 'frame' ? `frame ${outcome.frame} offset ${outcome.offset}` : 'nothing';
    if (answer !== truth) yield `${hex(subject.address)}: answered ${answer}, mapped is ${truth}`;
  }),
};

const kernelCovered: Invariant = {
  id: 'INV-PMAP-KCOVER',
  claim: 'Every map made from kernel_map lies where static page tables are.',
  source: 'vm_kern.c: kmem_init, kmem_suballoc; BOOT-5, DEV-27',
  scope: 'A',
  cost: '1',
  exemptWhenAliased: false,
  shows: ['maps'],
  judges: ['kmem_suballoc', 'vm_map_create'],
  watch: () => {
    /** vm_map_create takes any bounds (MAP-CREATE-1); such maps, and submaps in them, may lie elsewhere. */
    const created = new Set<MapName>();
    return {
      observe({ subject, step }) {
        if (subject?.kind === 'vm_map_create' && step?.outcome.kind === 'done') created.add(subject.name);
        if (subject?.kind !== 'kmem_suballoc' || step?.outcome.kind !== 'submap') return;
        if (created.has(subject.parent)) created.add(subject.name);
        else created.delete(subject.name);
      },
      // Bounds never change (INV-MAP-BOUNDS): looking at boot and at new maps is enough.
      violations: (view) =>
        view.step === null || view.subject?.kind === 'kmem_suballoc' ? mapsBeyondTables(view, created) : [],
    };
  },
};

function* mapsBeyondTables({ machine, touchedMaps }: View, created: ReadonlySet<MapName>): Generator<string> {
  const { first, end } = kernelSlots(machine);
  for (const { name, min, max } of touchedMaps)
    if (!created.has(name) && (min < first * PDE_SPAN || max > end * PDE_SPAN))
      yield `map ${name} reaches from ${hex(min)} to ${hex(max)}, page tables from ${hex(first * PDE_SPAN)} to ${hex(end * PDE_SPAN)}`;
}

/** Section Pmap of INVARIANTS.md, as far as it concerns the kernel pmap. */
export const pmapInvariants: readonly Invariant[] = [
  frame,
  agree,
  covered,
  pvLists,
  statistics,
  statisticsSane,
  ...pmapRightsInvariants,
  count,
  extract,
  kernelCovered,
  ...pageTableInvariants,
  ...userPmapInvariants,
];
