/**
 * What every byte of kernel memory should read as, from the writes and allocations seen so far, apart from any kernel.
 *
 * Memory is known by address, since each address belongs to one allocation at a time. Only pages that are not plain
 * zeroes are kept. Harness frames, which direct pmap operations map here and there, are known by frame instead.
 */
import { PAGE_SIZE } from '../../contract/address.ts';
import { BOOT_FILL, type MachineConfig, userEnd } from '../../contract/machine.ts';
import type { OperationKind, OperationOf } from '../../contract/operation.ts';
import { KERN_SUCCESS } from '../../contract/outcome.ts';
import type { View } from '../view.ts';
import { mapChanges } from './pages-changes.ts';
import { inScratchWindow, isHarnessFrame, isPlaceholder, pageAddresses } from './pages-lookup.ts';
import { rangeHandedOut } from './wiring-history.ts';

/** A page; null stands for a byte about which nothing is known. */
interface ShadowPage {
  /** What bytes hold that are not in `written`. */
  readonly base: number | null;
  readonly written: ReadonlyMap<number, number | null>;
}

/** A byte that was read as something else than it should be. */
export interface Mismatch {
  readonly address: number;
  readonly expected: number;
  readonly actual: number;
  /** True for a byte that was never written since its memory was allocated. */
  readonly fresh: boolean;
}

const ZEROES: ShadowPage = { base: 0, written: new Map() };
const UNKNOWN: ShadowPage = { base: null, written: new Map() };

const pageOf = (va: number): number => va - (va % PAGE_SIZE);

/** Operations that a shadow memory must hear of; of others only if they change a map. */
export const SHADOWED: readonly OperationKind[] = [
  'kmem_alloc',
  'kmem_malloc',
  'checked_read',
  'checked_write',
  'cpu_read',
  'cpu_write',
  'pmap_zero_page',
  'pmap_copy_page',
  'pmap_create',
  'pmap_pinit',
];

export class ShadowMemory {
  /** Wrong bytes of the last step. */
  mismatches: readonly Mismatch[] = [];
  readonly #pages = new Map<number, ShadowPage>();
  readonly #frames = new Map<number, ShadowPage>();
  /** Numbers of writes that slept: nobody can tell when their lower bytes were stored. */
  readonly #slept = new Set<number>();

  observe(view: View): void {
    if (this.mismatches.length > 0) this.mismatches = [];
    if (this.#pages.size > 0) this.#dropFreed(view);
    switch (view.subject?.kind) {
      case 'kmem_malloc':
        if (!view.subject.canWait) this.#forgetNowait(view);
        break;
      // What a directory holds is its kernel's own business.
      case 'pmap_create':
      case 'pmap_pinit':
        this.#forgetNowait(view);
        break;
      case 'checked_read':
      case 'cpu_read':
        this.#compare(view, view.subject.address);
        break;
      case 'checked_write':
        if (view.step?.outcome.kind === 'kern' && view.step.outcome.code === KERN_SUCCESS)
          this.#store(view, view.subject.address, view.subject.byte);
        break;
      case 'cpu_write':
        this.#write(view, view.subject);
        break;
      case 'pmap_zero_page':
        if (view.step?.outcome.kind === 'done') this.#frames.set(view.subject.frame, ZEROES);
        break;
      case 'pmap_copy_page':
        if (view.step?.outcome.kind === 'done')
          this.#frames.set(view.subject.to, this.#frame(view.machine, view.subject.from));
        break;
    }
  }

  /** True when nothing but zeroes can be in that page. */
  isZero(va: number): boolean {
    return !this.#pages.has(va);
  }

  #dropFreed(view: View): void {
    for (const { start, end, was, is } of mapChanges(view))
      if (was !== null && is === null && !isPlaceholder(was))
        for (const va of pageAddresses(start, end)) this.#pages.delete(va);
  }

  #forgetNowait(view: View): void {
    const range = rangeHandedOut(view);
    if (range === null) return;
    for (const va of pageAddresses(range.start, range.end)) this.#pages.set(va, UNKNOWN);
  }

  #compare(view: View, start: number): void {
    const outcome = view.step?.outcome;
    if (outcome?.kind !== 'bytes') return;
    outcome.bytes.forEach((actual, i) => {
      const address = start + i;
      const page = this.#at(view, address);
      const written = page?.written.get(address % PAGE_SIZE);
      const expected = written === undefined ? page?.base : written;
      if (expected === undefined || expected === null || expected === actual) return;
      // Only allocated memory is promised to be zero; a harness frame keeps what it held.
      const fresh = written === undefined && this.#frameAt(view, address) === undefined;
      this.mismatches = [...this.mismatches, { address, expected, actual, fresh }];
    });
  }

  #write(view: View, { address, bytes }: OperationOf<'cpu_write'>): void {
    const outcome = view.step?.outcome;
    if (outcome?.kind !== 'done' && outcome?.kind !== 'trap' && outcome?.kind !== 'sleep') return;
    const reached = outcome.kind === 'trap' ? outcome.address : address + bytes.length;
    const lastPage = pageOf(address + bytes.length - 1);
    const slept = this.#slept.has(view.subjectNumber) || outcome.kind === 'sleep';
    bytes.forEach((byte, i) => {
      const va = address + i;
      const certain = !slept || (outcome.kind === 'done' && pageOf(va) === lastPage);
      if (va < reached) this.#store(view, va, certain ? byte : null);
    });
    if (outcome.kind === 'sleep') this.#slept.add(view.subjectNumber);
    else this.#slept.delete(view.subjectNumber);
  }

  #store(view: View, va: number, byte: number | null): void {
    const page = this.#at(view, va);
    if (page === undefined) return;
    const frame = this.#frameAt(view, va);
    const filling = view.transitions.some(
      ({ state, start, end }) => state === 'filling' && start <= va && va < end,
    );
    // A range that kmem_alloc is still filling may be zeroed after the write (KM-ALLOC-3).
    const changed = filling ? UNKNOWN : { ...page, written: new Map(page.written).set(va % PAGE_SIZE, byte) };
    if (frame === undefined) this.#pages.set(pageOf(va), changed);
    else this.#frames.set(frame, changed);
  }

  /** The page that an access reaches now; undefined where direct pmap operations leave nothing to say. */
  #at(view: View, va: number): ShadowPage | undefined {
    const frame = this.#frameAt(view, va);
    if (frame !== undefined) return this.#frame(view.machine, frame);
    return inScratchWindow(view.machine, va) ? undefined : (this.#pages.get(pageOf(va)) ?? ZEROES);
  }

  #frameAt({ machine, mappings, spaces }: View, va: number): number | undefined {
    const own = spaces.pmaps.find(({ name }) => name === spaces.current)?.mappings;
    const user = va < userEnd(machine) ? own?.find(({ address }) => address === pageOf(va)) : undefined;
    const frame = (user ?? mappings.get(pageOf(va)))?.frame;
    return frame !== undefined && isHarnessFrame(machine, frame) ? frame : undefined;
  }

  #frame(machine: MachineConfig, frame: number): ShadowPage {
    const known = this.#frames.get(frame);
    if (known !== undefined) return known;
    return frame < machine.managedPages ? ZEROES : { base: BOOT_FILL, written: new Map() };
  }
}
