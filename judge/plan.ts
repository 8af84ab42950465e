/**
 * What is asked of the guest about one state, and what must come of it.
 *
 * The plan runs through the accesses in the order in which the guest will make them, on the reference's flat mapping alone:
 * which word each frame holds by then, which A and D bits are set by then.
 */
import { type FrameNumber, PAGE_SIZE, PDE_SPAN } from '../contract/address.ts';
import { kernelSlots, type MachineConfig, recursiveSlot } from '../contract/machine.ts';
import { PG_A, PG_P, PG_RW, PG_U } from '../contract/pmap.ts';
import type { Check, Expectation, Plan, Segment } from './checks.ts';
import { accessName, errorOf, mark } from './expect.ts';
import { OP, type Op } from './guest.ts';
import { type FlatPage, type FlatSpace, hasTable, type JudgedState, wordOf } from './state.ts';

/** Where the plan finds room, and what distinguishes this run of it. */
export interface PlanOptions {
  /** Directory slot that holds the stub's own page. */
  readonly stubSlot: number;
  /** Any whole number: chooses the word in each page, the order of the spaces, and which WP comes first. */
  readonly salt: number;
  /** Pages that were mapped once and are probed again, whether they are mapped or not. */
  readonly known: Iterable<number>;
}

/** Each access is the first of one: the TLB is empty then, and the tables are walked. */
const ORDERS: readonly (readonly Op[])[] = [
  [OP.userWrite, OP.userRead, OP.read, OP.write],
  [OP.userRead, OP.read, OP.write, OP.userWrite],
  [OP.read, OP.userWrite, OP.write, OP.userRead],
  [OP.write, OP.userRead, OP.userWrite, OP.read],
];
const ALL_BITS = 0xffff_ffff;
const WORDS = PAGE_SIZE / 4;
const NONE: ReadonlySet<number> = new Set();

/** The plan for one state. */
export const planOf = (state: JudgedState, spaces: readonly FlatSpace[], options: PlanOptions): Plan =>
  new Planner(state, spaces, options).plan();

/** A word in each page that is used for nothing else: not the stub's slot, were the page a directory. */
function placeOf({ salt, stubSlot }: PlanOptions): number {
  const place = (salt * 37) % WORDS;
  return place === stubSlot ? place + 1 : place;
}

/** Loads CR3 with the directory, and CR0.WP; nothing is cached afterwards. */
function loadOf({ directory }: FlatSpace, wp: boolean): Check {
  const probe = { op: OP.directory, address: directory * PAGE_SIZE, operand: wp ? 1 : 0 };
  return { probe, expected: { kind: 'word', word: 0, mask: 0 }, what: 'load of CR3', about: probe.address };
}

class Planner {
  readonly #state: JudgedState;
  readonly #machine: MachineConfig;
  readonly #spaces: readonly FlatSpace[];
  readonly #options: PlanOptions;
  readonly #first: number;
  readonly #place: number;
  readonly #recursive: number;
  readonly #window: number;
  /** Frames that are directories or page tables: nothing is written there. */
  readonly #directories: ReadonlySet<number>;
  readonly #tables: ReadonlySet<number>;
  readonly #contents = new Map<FrameNumber, number>();
  readonly #before = new Map<number, number>();
  #written = 0x5700_0000;

  constructor(state: JudgedState, spaces: readonly FlatSpace[], options: PlanOptions) {
    const { machine, registers } = state;
    this.#state = state;
    this.#machine = machine;
    this.#spaces = spaces;
    this.#options = options;
    this.#first = registers.firstManagedFrame;
    this.#place = placeOf(options);
    this.#recursive = recursiveSlot(machine);
    this.#window = this.#recursive * PDE_SPAN;
    this.#directories = new Set(spaces.map(({ directory }) => directory - this.#first));
    this.#tables = new Set(spaces.flatMap(({ tables }) => [...tables.values()]));
    for (let frame = 0; frame < machine.managedPages + machine.deviceFrames; frame++) {
      if (this.#directories.has(frame) || this.#tables.has(frame)) continue;
      const word = 0x4d00_0000 + frame;
      this.#contents.set(frame as FrameNumber, word);
      this.#before.set(this.#indexOf(frame as FrameNumber), word);
    }
  }

  plan(): Plan {
    const { salt } = this.#options;
    const count = this.#spaces.length;
    const wp = ((salt >>> 2) & 1) === 1;
    const segments = Array.from(
      { length: count },
      (_, i) => this.#spaces[(i + salt) % count] as FlatSpace,
    ).flatMap((space) => [this.#segment(space, wp, 'begin'), this.#segment(space, !wp, 'end')]);
    const after = new Map([...this.#contents].map(([frame, word]) => [this.#indexOf(frame), word]));
    return { segments, before: this.#before, after };
  }

  #indexOf(frame: FrameNumber): number {
    return (this.#first + frame - this.#state.image.firstFrame) * WORDS + this.#place;
  }

  /** One directory under one setting of WP; its tables are read as a whole when it comes and when it goes. */
  #segment(space: FlatSpace, wp: boolean, tables: 'begin' | 'end'): Segment {
    const load = loadOf(space, wp);
    const checks = [load];
    if (tables === 'begin') checks.push(...this.#allTables(space));
    this.#addresses(space).forEach((page, i) => {
      const order = ORDERS[(i + this.#options.salt) % ORDERS.length] ?? [];
      checks.push(...this.#accesses(space, page, { order, wp, load }));
    });
    checks.push(...this.#refusals(space));
    if (tables === 'end') checks.push(...this.#allTables(space));
    return { space: space.name, wp, checks };
  }

  /**
   * Live pages and those beside them, pages that were live once or may be, the first page of each line beside a table, and
   * both ends of the address space.
   */
  #addresses(space: FlatSpace): number[] {
    const pages = new Set<number>([0, 0xffc0_0000, 0xffff_f000, ...this.#options.known]);
    const { start, end: windowEnd } = this.#machine.scratchWindow ?? { start: 0, end: 0 };
    for (let at: number = start; at < windowEnd; at += PAGE_SIZE) pages.add(at);
    for (const page of space.pages.keys())
      for (const at of [page - PAGE_SIZE, page, page + PAGE_SIZE]) pages.add(at);
    const { first, end } = kernelSlots(this.#machine);
    for (const slot of [first - 1, first, end - 1, end, ...space.tables.keys()])
      for (const at of [slot - 1, slot, slot + 1]) pages.add(at * PDE_SPAN);
    const inside = (at: number): boolean => at >= 0 && at < 2 ** 32;
    const slotOf = (at: number): number => Math.floor(at / PDE_SPAN);
    const apart = (at: number): boolean =>
      slotOf(at) !== this.#options.stubSlot && slotOf(at) !== this.#recursive;
    return [...pages].filter((at) => inside(at) && apart(at)).sort((a, b) => a - b);
  }

  /** The accesses to one page, and the word of its page table after each of them. */
  #accesses(
    space: FlatSpace,
    at: number,
    { order, wp, load }: { order: readonly Op[]; wp: boolean; load: Check },
  ): Check[] {
    const page = space.pages.get(at);
    const isTable = page !== undefined && (this.#directories.has(page.frame) || this.#tables.has(page.frame));
    const isDirectory = page !== undefined && this.#directories.has(page.frame);
    const place = isDirectory ? this.#recursive : this.#place;
    const checks: Check[] = [];
    for (const op of order) {
      const error = errorOf(page, op, wp);
      if (page !== undefined && error === null && isTable && op === OP.write) continue;
      checks.push(this.#access(at + 4 * place, op, page, error));
      if (page === undefined) continue;
      checks.push(this.#entry(space, at, page));
      // v86 keeps a page that the supervisor wrote to as writable, for user mode too, until the TLB is emptied.
      if (op === OP.write && !wp && page.user && !page.writable) checks.push(load);
    }
    if (page === undefined) checks.push(this.#entry(space, at, undefined));
    return checks;
  }

  #access(address: number, op: Op, page: FlatPage | undefined, error: number | null): Check {
    const what = accessName(op);
    const operand = op === OP.write || op === OP.userWrite ? ++this.#written : 0;
    const probe = { op, address, operand };
    if (page === undefined || error !== null)
      return { probe, expected: { kind: 'fault', error: error ?? 0 }, what, about: address };
    mark(page, op);
    if (operand !== 0) this.#contents.set(page.frame, operand);
    const expected = this.#valueIn(page.frame);
    const isDirectory = this.#directories.has(page.frame);
    return { probe, expected, what, about: address, ...(isDirectory && { isTable: true }) };
  }

  /** The word that lies in a frame at the place that is read: in a directory, the word by which it names itself. */
  #valueIn(frame: FrameNumber): Expectation {
    if (this.#directories.has(frame))
      return {
        kind: 'word',
        word: ((this.#first + frame) * PAGE_SIZE + PG_P + PG_RW) >>> 0,
        mask: (ALL_BITS & ~PG_A) >>> 0,
      };
    const word = this.#contents.get(frame);
    return word === undefined ? { kind: 'word', word: 0, mask: 0 } : { kind: 'word', word, mask: ALL_BITS };
  }

  /** The page-table word of a page, read through the recursive window (PMAP-REC-1). */
  #entry(space: FlatSpace, at: number, page: FlatPage | undefined): Check {
    const address = this.#window + at / 1024;
    const probe = { op: OP.read, address, operand: 0 };
    const what = 'its PTE through the window';
    if (!hasTable(space, Math.floor(at / PDE_SPAN), this.#machine))
      return { probe, expected: { kind: 'fault', error: 0 }, what, about: at, isTable: true };
    const word = page === undefined ? 0 : wordOf(page, this.#first);
    return { probe, expected: { kind: 'word', word, mask: ALL_BITS }, what, about: at, isTable: true };
  }

  /** User mode is refused in the window: there is a page for each table, and nothing is for it. */
  #refusals(space: FlatSpace): Check[] {
    const slots = [this.#recursive, kernelSlots(this.#machine).first, ...space.tables.keys()];
    const absent = slots.includes(1) ? [] : [1];
    return [...slots, ...absent].flatMap((slot) =>
      [OP.userRead, OP.userWrite].map((op): Check => {
        const address = this.#window + slot * PAGE_SIZE + 4 * this.#place;
        const page = absent.includes(slot) ? undefined : { user: false, writable: true };
        const error = errorOf(page, op, false) ?? 0;
        const probe = { op, address, operand: 0 };
        return { probe, expected: { kind: 'fault', error }, what: accessName(op), about: address };
      }),
    );
  }

  /** The directory and all page tables, word by word through the window. */
  #allTables(space: FlatSpace): Check[] {
    const { first, end } = kernelSlots(this.#machine);
    const slots = [...space.tables.keys(), ...Array.from({ length: end - first }, (_, i) => first + i)];
    return [this.#directory(space), ...slots.sort((a, b) => a - b).map((slot) => this.#table(space, slot))];
  }

  #directory(space: FlatSpace): Check {
    const { first, end } = kernelSlots(this.#machine);
    const words = new Map<number, number>();
    for (const [slot, frame] of space.tables)
      words.set(slot, ((this.#first + frame) * PAGE_SIZE + PG_P + PG_RW + PG_U) >>> 0);
    words.set(this.#recursive, (space.directory * PAGE_SIZE + PG_P + PG_RW) >>> 0);
    const shared = new Set(Array.from({ length: end - first }, (_, i) => first + i));
    for (const slot of shared) words.set(slot, PG_P + PG_RW);
    return {
      probe: { op: OP.dump, address: this.#window + this.#recursive * PAGE_SIZE, operand: WORDS },
      expected: {
        kind: 'words',
        page: {
          words,
          ignored: PG_A,
          skipped: new Set([this.#options.stubSlot]),
          shared,
          first: 0,
          step: PDE_SPAN,
        },
      },
      what: 'directory through the window',
      about: this.#recursive * PDE_SPAN,
    };
  }

  #table(space: FlatSpace, slot: number): Check {
    const words = new Map<number, number>();
    const base = slot * PDE_SPAN;
    for (const [at, page] of space.pages)
      if (Math.floor(at / PDE_SPAN) === slot) words.set((at - base) / PAGE_SIZE, wordOf(page, this.#first));
    return {
      probe: { op: OP.dump, address: this.#window + slot * PAGE_SIZE, operand: WORDS },
      expected: {
        kind: 'words',
        page: { words, ignored: 0, skipped: NONE, shared: NONE, first: base, step: PAGE_SIZE },
      },
      what: 'its PTE through the window',
      about: base,
    };
  }
}
