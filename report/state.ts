/** One kernel's state drawn as address spaces and tables: the teaching view. */
import { PAGE_SIZE } from '../contract/address.ts';
import type { MappingSnapshot, PmapSnapshot } from '../contract/pmap.ts';
import type { EntrySnapshot, MapSnapshot } from '../contract/vm-map.ts';
import type { ObjectSnapshot } from '../contract/vm-object.ts';
import type { StateView } from '../properties/view.ts';
import { counted, table, wrapped } from './tables.ts';
import { byteCount, contents, hex, inheritance, shortProtection } from './values.ts';

/** The parts of a state that can be drawn. */
export const DRAWN_PARTS = ['maps', 'objects', 'queues', 'pmap'] as const;
export type DrawnPart = (typeof DRAWN_PARTS)[number];

/** What `replay` draws after each step: parts of the reference’s state, and the page tables of the kernel under test. */
export const SHOWN_PARTS = [...DRAWN_PARTS, 'tables'] as const;
export type ShownPart = (typeof SHOWN_PARTS)[number];

/** Width of the address-space strip; a map of fewer pages is drawn one character a page. */
const STRIP = 64;
const LABELS = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz';
const LINE = 104;

const label = (index: number): string => LABELS[index % LABELS.length] ?? '?';
const pagesOf = (size: number): string => String(size / PAGE_SIZE);

/** The named parts of a state, in the order maps, objects, queues, pmap. */
export function stateLines(state: StateView, parts: readonly DrawnPart[]): string[] {
  const draw: Readonly<Record<DrawnPart, (state: StateView) => string[]>> = {
    maps: mapLines,
    objects: objectLines,
    queues: queueLines,
    pmap: pmapLines,
  };
  return DRAWN_PARTS.filter((part) => parts.includes(part)).flatMap((part) => draw[part](state));
}

/** Every live map: one line, the strip `|AAA..BB|`, and its entries with the gaps between them. */
export function mapLines({ maps }: StateView): string[] {
  return [...maps.values()].flatMap((map) => [mapHead(map), `  ${strip(map)}`, ...entryTable(map)]);
}

function mapHead(map: MapSnapshot): string {
  const facts = [
    counted(map.size / PAGE_SIZE, 'page'),
    `${map.entryCount} ${map.entryCount === 1 ? 'entry' : 'entries'}`,
    counted(map.references, 'reference'),
    ...(map.pageable ? ['pageable'] : []),
    ...(map.locked ? ['locked'] : []),
  ];
  return `map ${map.name} [${hex(map.min)}, ${hex(map.max)}): ${facts.join(', ')}`;
}

/** The entry that covers most of each cell's address range, `.` where nothing is mapped. */
function strip(map: MapSnapshot): string {
  const length = map.max - map.min;
  const cells = Math.min(STRIP, length / PAGE_SIZE);
  const cell = length / cells;
  let drawn = '';
  for (let i = 0; i < cells; i++) {
    const from = map.min + i * cell;
    drawn += fullestLabel(map.entries, from, from + cell);
  }
  return `|${drawn}|`;
}

function fullestLabel(entries: readonly EntrySnapshot[], from: number, to: number): string {
  let most = 0;
  let text = '.';
  entries.forEach(({ start, end }, i) => {
    const covered = Math.min(end, to) - Math.max(start, from);
    if (covered > most) {
      most = covered;
      text = label(i);
    }
  });
  return text;
}

function backing(entry: EntrySnapshot): string {
  if (entry.backing === null) return 'null';
  return 'object' in entry.backing ? entry.backing.object : `submap ${entry.backing.submap}`;
}

function entryTable(map: MapSnapshot): string[] {
  const rows: string[][] = [];
  let reached: number = map.min;
  const gap = (to: number): void => {
    if (to > reached) rows.push(['', hex(reached), hex(to), pagesOf(to - reached), '(free)']);
  };
  map.entries.forEach((entry, i) => {
    gap(entry.start);
    rows.push([
      label(i),
      hex(entry.start),
      hex(entry.end),
      pagesOf(entry.end - entry.start),
      backing(entry),
      hex(entry.offset),
      shortProtection(entry.protection),
      shortProtection(entry.maxProtection),
      inheritance(entry.inheritance),
      String(entry.wiredCount),
    ]);
    reached = entry.end;
  });
  gap(map.max);
  const columns = ['', 'start', 'end', 'pages', 'backing', 'offset', 'prot', 'max', 'inherit', 'wired'];
  return table(
    columns.map((heading) => ({
      heading,
      align: heading === 'pages' || heading === 'wired' ? 'right' : 'left',
    })),
    rows,
    '  ',
  );
}

/** Every live object and its resident pages, in the order they entered it. */
export function objectLines({ objects }: StateView): string[] {
  return [...objects.values()].flatMap((object) => [
    `object ${object.name}: size ${byteCount(object.size)}, ${counted(object.references, 'reference')}, ${counted(object.pages.length, 'page')}`,
    ...pageTable(object),
  ]);
}

function pageTable({ pages }: ObjectSnapshot): string[] {
  if (pages.length === 0) return [];
  const known = pages.some((page) => page.contents !== undefined);
  const columns = ['offset', 'frame', 'wired', 'queue', 'flags', ...(known ? ['contents'] : [])];
  return table(
    columns.map((heading) => ({
      heading,
      align: heading === 'frame' || heading === 'wired' ? 'right' : 'left',
    })),
    pages.map((page) => [
      hex(page.offset),
      String(page.frame),
      String(page.wireCount),
      page.queue,
      [...(page.busy ? ['busy'] : []), ...(page.wanted ? ['wanted'] : [])].join(' '),
      ...(page.contents === undefined ? [] : [contents(page.contents)]),
    ]),
    '  ',
  );
}

/** The three frame queues head first, the counters, the pools, and who sleeps. */
export function queueLines({ queues, counters, pools, sched }: StateView): string[] {
  const queue = (name: string, frames: readonly number[]): string[] =>
    wrapped(`${name.padEnd(8)} ${frames.length === 0 ? '(empty)' : frames.join(' ')}`, LINE, '  ');
  const entries = pools.freeEntries === null ? 'unlimited' : String(pools.freeEntries);
  const asleep = sched.asleep.map(({ operation, event }) => `${operation} on ${event}`);
  return [
    `queues: ${counters.free} free, ${counters.active} active, ${counters.inactive} inactive, ${counters.wired} wired`,
    ...queue('free', queues.free),
    ...queue('active', queues.active),
    ...queue('inactive', queues.inactive),
    `pools: ${entries} free entries, ${pools.freeMaps} free maps`,
    ...(asleep.length > 0 ? [`asleep: ${asleep.join(', ')}`] : []),
    ...(sched.runnable.length > 0 ? [`runnable: ${sched.runnable.join(', ')}`] : []),
  ];
}

/** The kernel pmap and each user pmap: its counts and every usable mapping, ascending. */
export function pmapLines({ pmap, mappings, spaces }: StateView): string[] {
  const counts = ({ references, resident, wired }: PmapSnapshot): string =>
    `${counted(references, 'reference')}, ${resident} resident, ${wired} wired`;
  return [
    `pmap kernel: ${counts(pmap)}`,
    ...mappingTable([...mappings.values()].sort((one, other) => one.address - other.address)),
    ...spaces.pmaps.flatMap((user) => [
      `pmap ${user.name}: ${counts(user)}, ${counted(user.tables, 'page table')}${user.name === spaces.current ? ', current' : ''}`,
      ...mappingTable(user.mappings),
    ]),
  ];
}

function mappingTable(mappings: readonly MappingSnapshot[]): string[] {
  if (mappings.length === 0) return [];
  const rows = mappings.map((mapping) => [
    hex(mapping.address),
    String(mapping.frame),
    mapping.writable ? 'rw' : 'r-',
    mapping.wired ? 'W' : '-',
    `${mapping.accessed ? 'A' : '-'}${mapping.dirty ? 'D' : '-'}`,
  ]);
  return table(
    [
      { heading: 'address' },
      { heading: 'frame', align: 'right' },
      { heading: 'rights' },
      { heading: 'wired' },
      { heading: 'bits' },
    ],
    rows,
    '  ',
  );
}
