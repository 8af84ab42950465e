/**
 * The base of a comparison in the place of the reference. The model goes along, for what no other kernel tells: which
 * bytes are undefined, and what an exhaustive search has to tell states apart by.
 */
import type { KernelMemory, KernelModule, ReferenceKernel, Unshown } from '../contract/kernel-memory.ts';
import type { Operation } from '../contract/operation.ts';
import type { Outcome, Step } from '../contract/outcome.ts';
import type { RuleId } from '../contract/rules.ts';
import type { CellName, CellValue, Snapshot } from '../contract/snapshot.ts';
import type { ObjectSnapshot } from '../contract/vm-object.ts';
import { readCell } from './cells.ts';
import { changedCells, sameState } from './equality.ts';
import { namesElsewhere } from './guard-frames.ts';
import { indexSnapshot } from './index-snapshot.ts';
import type { StateView } from './view.ts';
import { hasCells } from './visible-kernel.ts';

/** Where the state of a pair is read: the base's, the model's where the base shows none, or parts of both. */
interface StateSource {
  snapshot(contents: boolean): Snapshot;
  cell<Name extends CellName>(name: Name): CellValue<Name>;
  touched(): readonly CellName[];
  /** An operation is about to be applied. */
  moves(): void;
}

/** A kernel that tells cell by cell. */
const cellSource = (kernel: Pick<ReferenceKernel, 'snapshot' | 'cell' | 'touched'>): StateSource => ({
  snapshot: (contents) => kernel.snapshot({ contents }),
  cell: (name) => kernel.cell(name),
  touched: () => kernel.touched(),
  moves: () => undefined,
});

/** Whole snapshots, compared to find what was touched. */
class WholeSource implements StateSource {
  readonly #read: (contents: boolean) => Snapshot;
  #before: StateView;
  #now: StateView | null = null;

  constructor(read: (contents: boolean) => Snapshot) {
    this.#read = read;
    this.#before = indexSnapshot(read(false));
  }

  get #state(): StateView {
    this.#now ??= indexSnapshot(this.#read(false));
    return this.#now;
  }

  snapshot(contents: boolean): Snapshot {
    return this.#read(contents);
  }

  cell<Name extends CellName>(name: Name): CellValue<Name> {
    return readCell(this.#state, name);
  }

  touched(): readonly CellName[] {
    return changedCells(this.#before, this.#state);
  }

  moves(): void {
    this.#before = this.#state;
    this.#now = null;
  }
}

type Shown = Required<Pick<KernelMemory, 'snapshot'>>;

/** What the base shows of its state, and for the rest the model's. */
function mergedSnapshot(
  base: Shown,
  model: ReferenceKernel,
  { shows }: KernelModule['declares'],
  contents: boolean,
): Snapshot {
  const own = base.snapshot({ contents });
  if (shows.includes('structure')) return own;
  const led = model.snapshot({ contents });
  const ownPages = shows.includes('objects') || shows.includes('pages');
  return {
    ...led,
    ...(shows.includes('maps') && { maps: own.maps }),
    ...(ownPages && { objects: own.objects }),
    ...(shows.includes('pages') && { counters: own.counters, queues: own.queues }),
    ...(shows.includes('pmap') && { mappings: own.mappings, pmap: own.pmap, pv: own.pv }),
    sched: own.sched,
  };
}

function sourceOf(
  base: KernelMemory,
  model: ReferenceKernel,
  declares: KernelModule['declares'],
): StateSource {
  const { snapshot } = base;
  const shows = declares.shows.some((show) => show !== 'outcomes');
  if (!shows || snapshot === undefined) return cellSource(model);
  const shown: Shown = { snapshot: (options) => snapshot.call(base, options) };
  if (declares.shows.includes('structure') && hasCells(base))
    return cellSource({
      snapshot: shown.snapshot,
      cell: (name) => base.cell(name),
      touched: () => base.touched(),
    });
  return new WholeSource((contents) => mergedSnapshot(shown, model, declares, contents));
}

/** The base's objects with the marks of the model on pages whose contents nobody may rely on. */
function withUndefined(base: Snapshot, model: Snapshot): readonly ObjectSnapshot[] {
  const loose = new Map(
    model.objects.map(({ name, pages }) => [
      name,
      new Set(pages.flatMap((page) => (page.undefinedContents === true ? [page.offset] : []))),
    ]),
  );
  const names = namesElsewhere(base, model);
  return base.objects.map((object) => {
    const offsets = loose.get(names.get(object.name) ?? '');
    if (offsets === undefined || offsets.size === 0) return object;
    return {
      ...object,
      pages: object.pages.map((page) =>
        offsets.has(page.offset) ? { ...page, undefinedContents: true as const } : page,
      ),
    };
  });
}

/** One machine of a pair. */
class PairedBase implements ReferenceKernel {
  readonly #base: KernelMemory;
  readonly #model: ReferenceKernel;
  readonly #follows: boolean;
  readonly #source: StateSource;
  /** False once the model has stopped where the base went on: it has nothing more to tell. */
  #led = true;

  constructor(base: KernelMemory, model: ReferenceKernel, declares: KernelModule['declares']) {
    this.#base = base;
    this.#model = model;
    this.#follows = declares.placement === 'any';
    this.#source = sourceOf(base, model, declares);
  }

  apply(operation: Operation, number: number): Step {
    this.#source.moves();
    const step = this.#base.apply(operation, number);
    const led = this.#lead(operation, number, step.outcome);
    const { outcome } = step;
    if (outcome.kind !== 'bytes' || led?.outcome.kind !== 'bytes') return step;
    const { undefinedBytes } = led.outcome;
    return undefinedBytes === undefined ? step : { ...step, outcome: { ...outcome, undefinedBytes } };
  }

  #lead(operation: Operation, number: number, outcome: Outcome): Step | null {
    if (!this.#led) return null;
    const step = this.#follows
      ? this.#model.applyPlaced(operation, number, outcome)
      : this.#model.apply(operation, number);
    this.#led = step.outcome.kind !== 'panic';
    return step;
  }

  applyPlaced(operation: Operation, number: number): Step {
    return this.apply(operation, number);
  }

  snapshot({ contents }: { readonly contents: boolean }): Snapshot {
    const shown = this.#source.snapshot(contents);
    if (!contents) return shown;
    return { ...shown, objects: withUndefined(shown, this.#model.snapshot({ contents })) };
  }

  cell<Name extends CellName>(name: Name): CellValue<Name> {
    return this.#source.cell(name);
  }

  touched(): readonly CellName[] {
    return this.#source.touched();
  }

  get rules(): ReadonlyMap<RuleId, number> {
    return this.#model.rules;
  }

  /** Where model and base are not in one state, both states are part of what tells two apart. */
  unshown(): Unshown {
    const { frames, rest } = this.#model.unshown();
    const [own, led] = [this.#source.snapshot(false), this.#model.snapshot({ contents: false })];
    const same = this.#led && sameState(indexSnapshot(own), indexSnapshot(led), true);
    return { frames, rest: same ? rest : `${rest}\n${JSON.stringify([this.#led, own, led])}` };
  }
}

/** The base as a reference that another kernel is compared with. */
export const pairedReference = (
  base: KernelModule,
  model: KernelModule<ReferenceKernel>,
): KernelModule<ReferenceKernel> => ({
  declares: base.declares,
  boot: (machine) => new PairedBase(base.boot(machine), model.boot(machine), base.declares),
});
