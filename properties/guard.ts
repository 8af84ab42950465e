/** Guards a refactoring: looks for the shortest scenario in which two kernels differ, in meaning and in structure. */
import fc from 'fast-check';
import type { Scenario } from '../contract/scenario.ts';
import type { SearchMemory } from './certificate.ts';
import { type Compared, type Differences, GuardJudge } from './guard-judge.ts';
import type { DifferenceKind } from './guard-level.ts';
import { type GuardShrinkOptions, reduceDifference, shrinkDifference } from './guard-shrink.ts';
import { scenariosOf } from './search.ts';
import { signatureOf } from './signature.ts';
import type { LockstepReport } from './verdict.ts';

/** A scenario that is run before any is generated, and where it came from. */
export interface GivenScenario {
  readonly origin: string;
  readonly scenario: Scenario;
}

/** What to compare and for how long. */
export interface GuardOptions extends Compared {
  readonly given: readonly GivenScenario[];
  /** Seed of the generator, a 32-bit integer. */
  readonly seed: number;
  /** Scenarios to generate. */
  readonly runs: number;
  /** Most scenarios that the widest search for a shorter difference tries; absent: 34000, a quarter of it for structure. */
  readonly searchMost?: number;
  /** Before each scenario that both kernels can run. */
  readonly onScenario?: (scenario: Scenario) => void;
  /** Asked before each scenario; true ends with what there is. */
  readonly shouldStop?: () => boolean;
  /** Now and then, with what is being done. */
  readonly onProgress?: (what: string) => void;
}

/** A difference, as short as it could be made. */
export interface GuardFinding {
  readonly kind: DifferenceKind;
  /** Where the scenario was found that it was shrunk from. */
  readonly origin: string;
  /** Operations of that scenario up to the difference. */
  readonly foundLength: number;
  /** Expected is the base, actual the working kernel. */
  readonly report: LockstepReport;
  /** Scenarios tried that are shorter, none of which shows such a difference. */
  readonly shorter: number;
  /** Why it may not be a shortest one; null where none is shorter on the machines and with the operations searched. */
  readonly doubt: string | null;
  /** What the kernels threw in it, if they did. */
  readonly thrown: { readonly base: string | null; readonly working: string | null };
}

/** What a comparison came to. */
export interface GuardResult {
  /** At most one of each kind, meaning first. */
  readonly findings: readonly GuardFinding[];
  /** Scenarios run, given and generated; those that need an operation one kernel lacks are skipped. */
  readonly given: number;
  readonly generated: number;
  readonly skipped: number;
  readonly operations: number;
  /** Operation kinds that only one of the kernels declares: they are not compared. */
  readonly uncompared: readonly string[];
  /** False where the kernels show too little to differ in structure alone. */
  readonly structural: boolean;
  readonly notes: readonly string[];
  readonly interrupted: boolean;
}

/** All of up to four operations on the machine of `explore`. */
const DEFAULT_SEARCH_MOST = 34_000;
/** Scenarios that still differ in meaning which are looked at for one that differs in structure alone. */
const PATIENCE = 48;
/** Differences of one kind, each of its own signature, that are shrunk to find the shortest. */
const MOST_SHRUNK = 3;

interface Found {
  readonly origin: string;
  readonly report: LockstepReport;
}

const lengthOf = ({ report }: Found): number => report.failure?.number ?? 0;

/** The differences of one kind: the shortest of each signature. */
class Finds {
  readonly #shortest = new Map<string, Found>();

  add(found: Found): void {
    const name = JSON.stringify(signatureOf(found.report));
    const known = this.#shortest.get(name);
    if (known === undefined || lengthOf(found) < lengthOf(known)) this.#shortest.set(name, found);
  }

  get any(): boolean {
    return this.#shortest.size > 0;
  }

  /** The most promising ones. */
  get best(): Found[] {
    return [...this.#shortest.values()]
      .sort((one, other) => lengthOf(one) - lengthOf(other))
      .slice(0, MOST_SHRUNK);
  }
}

class Guard {
  readonly #options: GuardOptions;
  readonly #judge: GuardJudge;
  readonly #finds: { readonly [Kind in DifferenceKind]: Finds } = {
    meaning: new Finds(),
    structure: new Finds(),
  };
  readonly #counts = { given: 0, generated: 0, skipped: 0, operations: 0 };
  #differing = 0;
  #interrupted = false;

  constructor(options: GuardOptions) {
    this.#options = options;
    this.#judge = new GuardJudge(options);
  }

  run(): GuardResult {
    this.#runGiven();
    if (!this.#isDone) this.#runGenerated();
    const kinds: readonly DifferenceKind[] = ['meaning', 'structure'];
    const findings = kinds.flatMap((kind) => this.#finding(kind) ?? []);
    return {
      findings,
      ...this.#counts,
      uncompared: this.#uncompared,
      structural: this.#judge.showsStructure,
      notes: [...this.#judge.notes],
      interrupted: this.#interrupted,
    };
  }

  get #uncompared(): string[] {
    const { base, working } = this.#options;
    const all = new Set([...base.declares.operations, ...working.declares.operations]);
    return [...all].filter((kind) => !this.#judge.declares.operations.includes(kind));
  }

  /** Nothing more is looked for once a difference in meaning is known and one in structure does not turn up. */
  get #isDone(): boolean {
    this.#interrupted ||= this.#options.shouldStop?.() === true;
    if (this.#interrupted) return true;
    return this.#finds.meaning.any && this.#differing >= PATIENCE;
  }

  #runGiven(): void {
    for (const { origin, scenario } of this.#options.given) {
      if (this.#isDone) return;
      if (!this.#judge.canRun(scenario)) {
        this.#counts.skipped++;
        continue;
      }
      this.#counts.given++;
      this.#examine({ origin, scenario });
    }
  }

  #runGenerated(): void {
    const { model, base, seed, runs } = this.#options;
    if (runs === 0 || this.#judge.declares.operations.length === 0) return;
    const { placement } = base.declares;
    // Where the base chooses places freely, later operations follow its choices.
    const candidate = { ...base, declares: { ...this.#judge.declares, placement } };
    const arbitrary = scenariosOf({ reference: model, candidate, seed, runs });
    let ended = false;
    const property = fc.property(arbitrary, (scenario) => {
      ended = this.#isDone;
      if (ended) return false;
      this.#counts.generated++;
      this.#examine({ origin: `scenario ${this.#counts.generated} of seed ${seed}`, scenario });
      return true;
    });
    const { failed, errorInstance } = fc.check(property, { seed, numRuns: runs, endOnFailure: true });
    if (failed && !ended) throw errorInstance;
  }

  #examine({ origin, scenario }: GivenScenario): void {
    const { given, generated } = this.#counts;
    this.#options.onScenario?.(scenario);
    this.#options.onProgress?.(`${this.#differing} of ${given + generated} differ`);
    const differences = this.#judge.differences(scenario);
    this.#counts.operations += scenario.operations.length;
    this.#note(differences, origin);
  }

  #note({ meaning, structure }: Differences, origin: string): void {
    if (meaning !== null || structure !== null) this.#differing++;
    if (meaning !== null) this.#finds.meaning.add({ origin, report: meaning });
    if (structure !== null) this.#finds.structure.add({ origin, report: structure });
  }

  #finding(kind: DifferenceKind): GuardFinding | null {
    const { searchMost = DEFAULT_SEARCH_MOST, shouldStop = () => false, onProgress } = this.#options;
    const memory: SearchMemory = new Map();
    const options: GuardShrinkOptions = {
      judge: this.#judge,
      kind,
      searchMost: kind === 'meaning' ? searchMost : Math.ceil(searchMost / 4),
      memory,
      shouldStop,
      onTry: () => onProgress?.(`shrinking a difference in ${kind}`),
    };
    const reduced = this.#finds[kind].best.map((found) => ({
      found,
      report: reduceDifference(found.report, options),
    }));
    reduced.sort(
      (one, other) => one.report.scenario.operations.length - other.report.scenario.operations.length,
    );
    const [first] = reduced;
    if (first === undefined) return null;
    onProgress?.(`looking for a shorter difference in ${kind}`);
    const { report: marked, shorter, doubt } = shrinkDifference(first.report, options);
    this.#judge.forgetThrown();
    const { scenario } = marked;
    const report = kind === 'meaning' ? this.#judge.meaning(scenario) : this.#judge.structure(scenario);
    return {
      kind,
      origin: first.found.origin,
      foundLength: lengthOf(first.found),
      report,
      shorter,
      doubt,
      thrown: { ...this.#judge.thrown },
    };
  }
}

/** Compares two kernels; that both may be wrong in the same way is not its business. */
export const runGuard = (options: GuardOptions): GuardResult => new Guard(options).run();
